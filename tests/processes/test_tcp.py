# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults below HTTP during the order: if it cannot have been sent, it is `not_sent`; everything else is looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import HOST, self_signed
from tests.support.listeners import (
    Listener,
    Meeting,
    close_in_handshake,
    proxy,
    relay_to,
    reset_in_handshake,
    say_nothing,
    speak_no_tls,
)
from tests.support.processes import Ansible, orders_sent
from tests.support.settling import has_waited, settle
from tests.support.tally import judge

FIRST = "3658B431119665QJ"
DETAIL = "/instance_product/v1/detail"
SAVE = "/order/v1/save"


@pytest.fixture
def one(start: Callable[..., Ansible]) -> Ansible:
    return start()


@dataclass
class Way:
    """A path to the portal through listeners, any of which may fail before the order."""

    ansible: Ansible
    gate: Listener
    arguments: dict[str, Any] = field(default_factory=dict)
    proxy: Listener | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {"HTTPS_PROXY": f"http://127.0.0.1:{self.proxy.port}"} if self.proxy else {}

    def renew(self, before_order: Callable[[], None]) -> dict[str, Any]:
        """Renew; ``before_order`` is called after the last read, and the order must use a new connection."""
        portal = self.ansible.portal
        portal.fault("close", path=DETAIL)
        portal.fault("hold", path=DETAIL, point="half_answer")
        arguments = {"product_no": FIRST, "timeout": 3, "wait_timeout": 0, **self.arguments}
        running = self.ansible.start("yeastar_pce_renewal", arguments, environment=self.environment)
        portal.wait_held()
        before_order()
        portal.release()
        return running.result()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def port_of(ansible: Ansible) -> int:
    return int(ansible.portal.url.rpartition(":")[2])


@pytest.fixture
def plain(one: Ansible, stack: ExitStack) -> Way:
    """Through a relay."""
    gate = stack.enter_context(Listener(relay_to(port_of(one))))
    return Way(one, gate, {"base_url": f"http://127.0.0.1:{gate.port}"})


@pytest.fixture
def secure(one: Ansible, stack: ExitStack, tmp_path: Path) -> Way:
    """Over TLS."""
    certificate = self_signed(tmp_path / "certificate.pem")
    gate = stack.enter_context(Listener(relay_to(port_of(one), certificate)))
    return Way(one, gate, {"base_url": f"https://127.0.0.1:{gate.port}", "ca_path": str(certificate)})


@pytest.fixture
def proxied(secure: Way, stack: ExitStack) -> Way:
    """Over TLS through a proxy."""
    secure.proxy = stack.enter_context(Listener(proxy()))
    secure.arguments["base_url"] = f"https://{HOST}:{secure.gate.port}"
    return secure


def meet(listener: Listener | None, meeting: Meeting) -> Callable[[], None]:
    """From now on, this handles new connections."""
    assert listener
    return lambda: setattr(listener, "meeting", meeting)


def assert_not_sent(ansible: Ansible, result: dict[str, Any], says: str) -> None:
    (row,) = result["results"]
    assert (row["state"], row["reason"], row["changed"]) == ("failed", "not_sent", False)
    assert says in row["message"] and "the order was not placed" in row["message"]
    assert result["failed"] and not result["changed"]
    assert orders_sent(ansible.portal) == 0 and not ansible.portal.invoices


def assert_ordered(ansible: Ansible, result: dict[str, Any]) -> None:
    assert [row["state"] for row in result["results"]] == ["renewed"]
    assert orders_sent(ansible.portal) == len(ansible.portal.invoices) == 1


@pytest.mark.parametrize("way", ["plain", "secure", "proxied"])
def test_without_a_fault_each_way_leads_to_an_order(request: pytest.FixtureRequest, way: str) -> None:
    used: Way = request.getfixturevalue(way)
    assert_ordered(used.ansible, used.renew(lambda: None))


@pytest.mark.faults(15)
def test_a_refused_connection(plain: Way) -> None:
    assert_not_sent(plain.ansible, plain.renew(plain.gate.refuse), "no connection")


@pytest.mark.faults(15)
def test_a_connection_that_nobody_answers(plain: Way) -> None:
    assert_not_sent(plain.ansible, plain.renew(plain.gate.let_wait), "the connection timed out")


@pytest.mark.faults(15)
@pytest.mark.parametrize(
    ("meeting", "says"),
    [
        (close_in_handshake, "no TLS connection to this server"),
        (reset_in_handshake, "the connection broke"),
        (say_nothing, "timed out"),
        (speak_no_tls, "no TLS connection to this server"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_handshake_that_fails(secure: Way, meeting: Meeting, says: str) -> None:
    assert_not_sent(secure.ansible, secure.renew(meet(secure.gate, meeting)), says)


@pytest.mark.faults(15)
def test_a_certificate_that_was_exchanged(secure: Way, tmp_path: Path) -> None:
    other = relay_to(port_of(secure.ansible), self_signed(tmp_path / "other.pem"))
    assert_not_sent(secure.ansible, secure.renew(meet(secure.gate, other)), "certificate is not trusted")


@pytest.mark.faults(15)
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "the proxy refused"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "the proxy refused"),
        (b"", "the connection broke"),
    ],
    ids=["407", "502", "nothing"],
)
def test_a_proxy_that_refuses_the_tunnel(proxied: Way, answer: bytes, says: str) -> None:
    assert_not_sent(proxied.ansible, proxied.renew(meet(proxied.proxy, proxy(answer))), says)


@pytest.mark.faults(15)
def test_a_proxy_that_is_gone(proxied: Way) -> None:
    assert proxied.proxy
    assert_not_sent(proxied.ansible, proxied.renew(proxied.proxy.refuse), "no connection")


@pytest.mark.faults(15)
def test_a_handshake_that_fails_in_the_tunnel(proxied: Way) -> None:
    result = proxied.renew(meet(proxied.gate, close_in_handshake))
    assert_not_sent(proxied.ansible, result, "no TLS connection to this server")


@pytest.mark.faults(19)
def test_a_kept_connection_that_the_server_has_closed_in_the_meantime(one: Ansible) -> None:
    one.portal.fault("close", path=DETAIL, announced=False)
    assert_ordered(one, one.renew(product_no=FIRST))


@pytest.mark.faults(19, 30)
@pytest.mark.parametrize("how", ["reset", "close", "half_close"])
@pytest.mark.parametrize("sent", [0, 1, 30, 300])  # nothing, one byte, half of the head, half of the body
def test_an_order_whose_answer_breaks_off_is_found_and_adopted(one: Ansible, sent: int, how: str) -> None:
    one.portal.fault("break_off", path=SAVE, sent=sent, how=how)
    assert_adopted(one, one.renew(product_no=FIRST))


@pytest.mark.faults(16, 19)
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_breaks_before_the_order_was_carried_out(one: Ansible, reset: bool) -> None:
    one.portal.fault("drop_before", path=SAVE, reset=reset)
    assert_uncertain(one, one.renew(product_no=FIRST))
    assert_waits_and_is_ordered_once(one)


NOT_READ, READ, CARRIED_OUT = ["after_headers", "half_body"], ["before_commit"], ["after_commit", "half_answer"]


def renew_impatiently(ansible: Ansible, point: str) -> dict[str, Any]:
    """The result of a run that times out while the portal holds the exchange."""
    ansible.portal.fault("hold", path=SAVE, point=point)
    running = ansible.start_renewal(product_no=FIRST, timeout=3)
    ansible.portal.wait_held()
    result = running.result()
    ansible.portal.release()
    return result


@pytest.mark.faults(16)
@pytest.mark.parametrize("point", NOT_READ)
def test_a_server_that_stands_still_before_it_has_read_the_order(one: Ansible, point: str) -> None:
    assert_uncertain(one, renew_impatiently(one, point))
    assert not one.portal.invoices
    assert_waits_and_is_ordered_once(one)


@pytest.mark.faults(16, 18)
@pytest.mark.parametrize("point", READ)
def test_a_server_that_carries_the_order_out_once_the_client_has_given_up(one: Ansible, point: str) -> None:
    assert_uncertain(one, renew_impatiently(one, point))
    assert not has_waited(settle(one, [FIRST]))
    assert_charged_once(one)


@pytest.mark.faults(17)
@pytest.mark.parametrize("point", CARRIED_OUT)
def test_a_server_that_stands_still_after_it_has_carried_the_order_out(one: Ansible, point: str) -> None:
    assert_adopted(one, renew_impatiently(one, point))


@pytest.mark.faults(34)
def test_an_answer_that_drips_too_slowly_for_the_whole_though_no_read_is_slow(one: Ansible) -> None:
    one.portal.fault("drip", path=SAVE, seconds=0.05)
    assert_adopted(one, one.renew(product_no=FIRST, timeout=1.5))


def test_an_answer_that_drips_in_time(one: Ansible) -> None:
    one.portal.fault("drip", path=SAVE, seconds=0.001)
    assert_ordered(one, one.renew(product_no=FIRST))


@pytest.mark.faults(31)
def test_an_answer_cut_short_that_still_is_json(one: Ansible) -> None:
    one.portal.fault("truncate_close", path=SAVE, valid_json=True)
    assert_adopted(one, one.renew(product_no=FIRST))


def assert_adopted(ansible: Ansible, result: dict[str, Any]) -> None:
    """The order without an answer was found in the portal."""
    (row,), (invoice,) = result["results"], ansible.portal.invoices
    assert (row["state"], row["reason"], row["changed"]) == ("renewed", "expiry_moved", True)
    assert row["order"]["order_no"] == invoice.order_no
    assert result["changed"] and "failed" not in result
    assert_charged_once(ansible)


def assert_uncertain(ansible: Ansible, result: dict[str, Any]) -> None:
    (row,) = result["results"]
    assert (row["state"], row["reason"], row["changed"]) == ("unknown", "ambiguous", True)
    assert result["failed"] and result["changed"] and "it may have been ordered" in row["message"]
    assert orders_sent(ansible.portal) == 1


def assert_waits_and_is_ordered_once(ansible: Ansible) -> None:
    """No order is visible, so the settle window has to pass before another is sent."""
    assert has_waited(settle(ansible, [FIRST])) == {FIRST}
    assert orders_sent(ansible.portal) == 2
    (invoice,) = ansible.portal.invoices
    assert (invoice.po_number or "").endswith(".2")
    judge(ansible.portal, [FIRST])


def assert_charged_once(ansible: Ansible) -> None:
    assert not ansible.portal.faults, "the fault was never met"
    assert orders_sent(ansible.portal) == 1
    judge(ansible.portal, [FIRST])
