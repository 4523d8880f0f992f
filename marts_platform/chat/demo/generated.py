"""A generated chat: buyers ask sellers about products, and they answer. The same seed gives the same rows.

It is made day by day, so that two million messages need no more memory than a few days of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

User = tuple[int, str, str, str, datetime]
Product = tuple[int, str, str | None, str, int, datetime]
Chat = tuple[int, int, int, int, datetime]
Message = tuple[int, int, int, str, datetime, bool]

# Users registered before the first message, within this time.
_REGISTERED = timedelta(days=60)
_MESSAGES_PER_CHAT = 12
_SILENT_CHATS = 0.05
_THINGS = ("Lamp", "Desk", "Велосипед", "Kamera", "沙发", "Guitar", "Rucksack", "Книга", "Mixer", "Étagère")
_OPENINGS = (
    "Hello, is it still there?",
    "Здравствуйте, ещё продаёте?",
    "Hi! What is the last price?",
    "还在吗？",
)
_TEXTS = (
    "Yes.",
    "No, sorry.",
    "Can you send a picture? 📷",
    "Сегодня вечером подойдёт 👍",
    'It is 120 × 80 cm; the box says "fragile".',
    "One moment …\nI have to look.",
    "C:\\pictures\\lamp.png\tis the file",
    "  I'd take it for 20 €  ",
    "Danke schön, bis morgen!",
    "👩‍👩‍👧 we'll come by",
    "",
)
# The hours of the day by how much is written in them.
_BUSY_HOURS = (1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 9, 8, 8, 8, 9, 10, 12, 13, 12, 9, 5, 2)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is generated.

    Attributes:
        users: how many users; a tenth of them never writes.
        messages: how many messages, over all days.
        days: how many days have messages; the last one ends at `until`.
        until: the end of the last day (UTC).
        seed: of the random numbers.
    """

    users: int
    messages: int
    days: int
    until: datetime
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Day:
    """What a day brings: chats that are opened on it, and its messages in the order of their ids."""

    chats: list[Chat]
    messages: list[Message]


def users(size: Size) -> Iterator[User]:
    """The users, in the order of their ids."""
    random = Random(f"users {size.seed}")
    begin = size.until - timedelta(days=size.days)
    for number in range(1, size.users + 1):
        registered = begin - timedelta(seconds=random.randrange(1, int(_REGISTERED.total_seconds())))
        yield number, f"user {number}", f"/avatars/{number}.png", f"user{number}@example.com", registered


def products(size: Size) -> Iterator[Product]:
    """The products, in the order of their ids: one for every second user."""
    random = Random(f"products {size.seed}")
    offered = size.until - timedelta(days=size.days, seconds=1)
    for number in range(1, max(size.users // 2, 1) + 1):
        thing = random.choice(_THINGS)
        description = random.choice((None, "", f"{thing}, used", "as new"))
        price = f"{random.randrange(100, 100_000) / 100:.2f}"
        yield number, f"{thing} {number}", description, price, random.randrange(1, size.users + 1), offered


def days(size: Size) -> Iterator[Day]:
    """The days, in their order."""
    random = Random(f"messages {size.seed}")
    sellers = [seller for _, _, _, _, seller, _ in products(size)]
    opened: set[tuple[int, int, int]] = set()
    waiting: dict[int, list[tuple[datetime, int, int, str, bool]]] = {}
    begin = size.until - timedelta(days=size.days)
    message_id, chat_id, left = 0, 0, size.messages
    for day in range(size.days):
        start = begin + timedelta(days=day)
        share = left // (size.days - day)
        chats: list[Chat] = []
        written = waiting.pop(day, [])
        while len(written) < share:
            chat_id += 1
            chat = _chat(random, chat_id, size, sellers, opened, start)
            chats.append(chat)
            for at, sender, text, is_read in _conversation(random, chat, size.until):
                waiting.setdefault((at - begin).days, written if (at - begin).days == day else [])
                waiting[(at - begin).days].append((at, chat_id, sender, text, is_read))
        waiting.pop(day, None)
        written.sort(key=lambda row: row[0])
        # What is too much is not written; the last day's share is all that is left.
        written = written[:share]
        left -= len(written)
        messages: list[Message] = []
        for at, chat, sender, text, is_read in written:
            message_id += 1
            messages.append((message_id, chat, sender, text, at, is_read))
        yield Day(chats, messages)


def _chat(
    random: Random,
    number: int,
    size: Size,
    sellers: list[int],
    opened: set[tuple[int, int, int]],
    start: datetime,
) -> Chat:
    while True:
        product = random.randrange(1, len(sellers) + 1)
        seller = sellers[product - 1]
        buyer = random.randrange(1, max(size.users * 9 // 10, 2) + 1)
        sides = (buyer, seller, product)
        if sides not in opened:
            opened.add(sides)
            return number, buyer, seller, product, start + _moment(random)


def _moment(random: Random) -> timedelta:
    hour = random.choices(range(24), _BUSY_HOURS)[0]
    return timedelta(hours=hour, seconds=random.randrange(3600))


def _conversation(random: Random, chat: Chat, until: datetime) -> Iterator[tuple[datetime, int, str, bool]]:
    if random.random() < _SILENT_CHATS:
        return
    number, buyer, seller, _, at = chat
    sender = buyer
    for place in range(random.randrange(1, 2 * _MESSAGES_PER_CHAT)):
        if at >= until:
            return
        text = random.choice(_OPENINGS) if place == 0 else random.choice(_TEXTS)
        yield (
            at,
            sender,
            f"{text} #{number}.{place}" if random.random() < 0.8 else text,
            random.random() < 0.8,
        )
        if random.random() < 0.6:
            sender = seller if sender == buyer else buyer
        # Mostly minutes, sometimes the same second, sometimes the day after.
        at += timedelta(seconds=random.choice((0, 5, 30, 60, 120, 300, 900, 3600, 6 * 3600, 30 * 3600)))
