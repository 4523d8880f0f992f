"""`marts seed` with a part of the stack seeds what it can and names each server that is not up."""

from __future__ import annotations

import pytest

from marts_platform.core.demo import ServerDownError, parts
from marts_platform.embedded.stack import Stack
from marts_platform_tests.embedded.conftest import Marts, marts, new_home

__all__ = ["marts", "new_home"]


def down() -> str:
    raise ServerDownError("kafka is not up; run `marts up kafka`")


def test_parts_of_servers_that_are_down_are_left_out_once() -> None:
    said = parts(lambda: "3 users", down, lambda: "", lambda: "2 orders", down)
    assert said == "3 users, 2 orders; left out: kafka is not up; run `marts up kafka`"


def test_parts_without_any_server_raise() -> None:
    with pytest.raises(ServerDownError, match="marts up kafka"):
        parts(down, down)


def test_seed_with_postgres_alone_seeds_what_it_can(marts: Marts) -> None:
    marts("up", "postgres")
    said = " ".join(marts("seed", "shop", "bionicpro", "delivery", "chat", "--scale", "0.01").split())
    left_out = f"{{0}} is not up in the embedded stack of {marts.home}; run `marts up {{0}}`"
    assert "Seeded shop: 1 users" in said and "Seeded delivery: 300 orders" in said
    for server, count in (("kafka", 2), ("crm", 1), ("prometheus", 1), ("mysql", 1)):
        assert said.count(left_out.format(server)) == count, said
    assert "chat was not seeded: mysql is not up" in said
    code, _, errors = marts.run("seed", "chat")
    assert (code, errors.count("\n")) == (1, 1)
    assert "run `marts up mysql`, then `marts seed chat`" in errors


def test_address_of_a_database_that_no_server_has_is_refused(stack: Stack) -> None:
    with pytest.raises(Exception, match="no server with a database 'nowhere'"):
        stack.owner_url("nowhere")
