"""Values of rows in errors of engines and parsers: cut out, since errors go where rows do not belong.

Codes, tables, columns, constraints and row numbers stay. The values stand in quarantine.
"""

from __future__ import annotations

import re

CUT = "…"
# Python's words between the errors of a chain: a value's end is looked for before them.
_SAME_ERROR = r"(?:(?!\n(?:Traceback |The above exception|During handling of)).)"


def without_values(text: str) -> str:
    """Return an error's text without the values of rows that it quotes."""
    if "DB::Exception" in text:
        text = _CLICKHOUSE_ERROR.sub(lambda found: _clickhouse_skeleton(*found.groups()), text)
    text = _SECTION.sub(lambda found: _postgres_section(*found.groups()), text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


# PostgreSQL: sections behind the message.
_HEADS = r"(?:DETAIL|HINT|CONTEXT|QUERY|LINE \d+|STATEMENT)"
_SECTION = re.compile(rf"(?<!\S)({_HEADS}): *((?:(?!\s{_HEADS}:){_SAME_ERROR})*)", re.S)
_PLACE = re.compile(
    r"COPY \S+, line \d+(?:, column \S+?(?=:|$))?|JSON data, line \d+|PL/pgSQL function .*|SQL function .*"
    r"|(?:unnamed )?portal .*?parameter \$\d+|while .*|parallel worker.*|remote SQL command|SQL statement"
)
_OF_ROW = re.compile(
    r"(Key \([^\n]*?\)=|Failing row contains |failing row contains \([^\n]*?\) = )\(.*\)", re.S
)
_NAME_BEFORE = r"(?<!table )(?<!relation )(?<!column )(?<!constraint )(?<!type )(?<!role )(?<!schema )"


def _postgres_section(head: str, text: str) -> str:
    if head == "HINT":
        return f"{head}: {text}"
    if head == "DETAIL":
        text = _OF_ROW.sub(rf"\1({CUT})", text)
        return f"{head}: " + re.sub(rf'{_NAME_BEFORE}"[^"\n]*"', CUT, text)
    if head == "CONTEXT":
        places = (found.group() for line in text.splitlines() if (found := _PLACE.match(line)))
        return f"{head}: " + "\n".join(places)
    # The statement, in which psycopg2 has written values.
    return head


_END = rf"(?=\s*(?:\n{_HEADS}(?::|\n|\Z)|\n(?:Traceback |The above|During handling)|\Z))"
# Quoted to its end where nothing follows; else to the next quote.
_LAST = rf"(?:\"{_SAME_ERROR}*?\"{_END}|\"[^\"\n]*\")"
_QUOTED = r"(?:'(?:[^'\\\n]|\\.|'')*'|\"(?:[^\"\\\n]|\\.)*\")"


def _rule(pattern: str, replacement: str) -> tuple[re.Pattern[str], str]:
    return re.compile(pattern, re.S), replacement


_RULES = (
    # PostgreSQL's class 22.
    _rule(rf"(invalid input (?:syntax|value) for [^:\n]+?: |malformed [\w ]+ literal: ){_LAST}", rf"\1{CUT}"),
    _rule(rf"(out of range: |invalid (?:hexadecimal digit|symbol|end sequence):? ?){_LAST}", rf"\1{CUT}"),
    _rule(r"(value|time zone) \"[^\"\n]*\"(?= (?:is out of range|not recognized))", rf"\1 {CUT}"),
    _rule(r"(invalid value )\"[^\"]*\"(?= for)", rf"\1{CUT}"),
    # MySQL, MariaDB and seekdb.
    _rule(
        rf"((?i:incorrect|truncated incorrect|wrong|invalid) [\w() ]*value: ?)"
        rf"(?:'{_SAME_ERROR}*?'(?= for (?:column|function)| at row)|{_QUOTED})",
        rf"\1{CUT}",
    ),
    _rule(rf"(Duplicate entry )'{_SAME_ERROR}*?'(?= for key)", rf"\1{CUT}"),
    _rule(rf"(Invalid JSON text[^:\n]*: ){_QUOTED}", rf"\1{CUT}"),
    _rule(rf"(right syntax to use near )'{_SAME_ERROR}*?'(?= at line)", rf"\1{CUT}"),
    _rule(r"(value is out of range in )'[^\n]*'", rf"\1{CUT}"),
    # Errors of the platform's own.
    _rule(rf"(which does not hold |Python has no time ){_QUOTED}", rf"\1{CUT}"),
    _rule(r"(which does not hold )[^;\n,]*", rf"\1{CUT}"),
    # Python, pydantic, pyarrow, pandas.
    _rule(rf"(invalid literal for \w+\(\) with base \d+: ){_QUOTED}", rf"\1{CUT}"),
    _rule(rf"(could not convert string to \w+: |Invalid isoformat string: ){_QUOTED}", rf"\1{CUT}"),
    _rule(rf"(nable to parse (?:string )?|time data |data remains[\w ]*: ){_QUOTED}", rf"\1{CUT}"),
    _rule(r"(data remains[\w ]*: |unable to parse: )[^\n]*", rf"\1{CUT}"),
    _rule(rf"(Could not convert |[Ii]nvalid value ){_QUOTED}", rf"\1{CUT}"),
    _rule(r"(Could not convert )[^\n]*?(?= with type)", rf"\1{CUT}"),
    _rule(r"(input_value=).*?(?=, input_type=)", rf"\1{CUT}"),
    _rule(r"(codec can't (?:de|en)code \w+ )(?:0x\w+|'[^']*')", rf"\1{CUT}"),
)

# ClickHouse: the text between "DB::Exception:" and the code's name.
_CLICKHOUSE_ERROR = re.compile(rf"(DB::Exception: )({_SAME_ERROR}*)(\([A-Z][A-Z_]+\))", re.S)
_OF_VALUES = re.compile(
    r"CANNOT_(?:PARSE|READ|CONVERT|INSERT)|INCORRECT_DATA|UNKNOWN_ELEMENT|TOO_LARGE_STRING|OUT_OF_|OVERFLOW"
    r"|TYPE_MISMATCH|ATTEMPT_TO_READ|INCORRECT_QUERY|SYNTAX_ERROR"
)
_VALUE_BEGINS = re.compile(r"['\"`]| here: | uuid | zone | format: (?=\S)|\n|: \(|: While|In scope|: while ")
_TYPE = (
    r"(?:U?Int\d+|B?Float\d+|Decimal\d*(?:\([\d, ]+\))?|Date\w*(?:\(\d+\))?|UUID|Bool|Enum\d+|IPv\d"
    r"|FixedString\(\d+\))"
)
_KEPT = re.compile(
    rf"(?<=' )as (?:Nullable\()?{_TYPE}|\(while reading the value of key \w+\)|\(at row \d+\)"
    r"|Column \d+, +name: \w+, +type: [^\n]*?(?=, +ERROR|,? *parsed text)|While executing \w+"
    r"|failed at position \d+"
)
_STATEMENT = re.compile(r"\.? ?In scope .*(?=\. \()|: while executing 'FUNCTION .*(?=\. \()", re.S)


def _clickhouse_skeleton(head: str, text: str, name: str) -> str:
    if not _OF_VALUES.search(name):
        return head + _STATEMENT.sub("", f"{text}{name}")
    said = _VALUE_BEGINS.split(text, maxsplit=1)[0].rstrip(" :.")
    places = dict.fromkeys(" ".join(found.split()) for found in _KEPT.findall(text))
    return f"{head}{said} {CUT} {'; '.join(places)}. {name}"
