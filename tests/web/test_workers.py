"""The page survives formulas that take too long or too much, and answers this machine alone."""

from __future__ import annotations

import pytest

from symgrad.web.app import MAX_BYTES, application
from symgrad.web.workers import Workers

ENDLESS = "+".join(f"sin(x**{k} + exp(x*{k}))**{k}" for k in range(2, 1500))


@pytest.fixture(scope="module")
def workers():
    made = Workers(count=1, seconds=60.0, memory=1 << 30)
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(workers):
    return application(workers).test_client()


def got(client, path):
    """The text of a page."""
    with client.get(path) as response:
        assert response.status_code == 200
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        return response.get_data(as_text=True)


def asked(client, **fields):
    return client.post("/answer", json={"parts": "formula", **fields})


def test_the_page_is_served_with_all_its_parts(client):
    page = got(client, "/")
    assert "<title>symgrad</title>" in page
    for name in ("style.css", "page.js", "icon.svg"):
        assert f"/page/{name}" in page
        assert "http" not in got(client, f"/page/{name}").replace("http://www.w3.org", "")
    assert "http" not in page


def test_answers_are_json(client):
    reply = asked(client, formula="x**2", parts="formula,gradient")
    assert reply.get_json()["gradient"][0]["text"] == "2*x"
    assert reply.headers["Cache-Control"] == "no-store"


def test_what_takes_too_long_is_ended_and_the_next_is_answered(client, workers):
    parts = "formula,gradient,hessian,code,graph"
    before = workers.seconds
    workers.seconds = 0.2
    late = asked(client, formula=ENDLESS, parts=parts).get_json()
    workers.seconds = before
    assert "longer than 0.2 seconds" in late["error"]["message"]
    workers.seconds = 60
    assert asked(client, formula="x").get_json()["formula"]["text"] == "x"
    workers.seconds = before


def test_what_takes_too_much_memory_is_ended_and_the_next_is_answered(client, workers):
    large = asked(client, formula="sum(exp(x))", declare="x: 400000000", parts="check").get_json()
    assert "more than 1024 MB of memory" in large["error"]["message"]
    assert asked(client, formula="x").get_json()["formula"]["text"] == "x"


@pytest.mark.parametrize("host", ["symgrad.example", "127.0.0.1.example:80"])
def test_other_hosts_get_nothing(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 403


def test_bad_requests_are_refused(client):
    assert client.post("/answer", data="no json").status_code == 400
    assert client.post("/answer", json=[1]).status_code == 400
    assert asked(client, formula="x" * (MAX_BYTES + 1)).status_code in (400, 413)
    assert client.get("/page/../answers.py").status_code == 404
