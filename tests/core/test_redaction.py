"""What is struck from texts, and what of a URL is shown."""

import pytest

from monitor.core.redaction import redacted, shown_url, tail

CANARY = "canary-7f3a"

TEXTS = [
    ("a known secret", f"sent {CANARY}!", "sent [redacted]!"),
    ("Slack's tokens", "xoxb-1-abc xapp-1-def", "[redacted] [redacted]"),
    ("a bearer token", "Bearer abc.def", "Bearer [redacted]"),
    ("a user and password in a URL", "https://ana:hunter2@db/x", "https://[redacted]@db/x"),
    ("a variable that a program prints", "DB_PASSWORD=hunter2 ok", "DB_PASSWORD=[redacted] ok"),
    ("JSON", '{"token": "hunter2", "n": 1}', '{"token": "[redacted]", "n": 1}'),
    ("a header", "Authorization: Basic YWJj", "Authorization: Basic [redacted]"),
    ("a JSON web token", f"got eyJ{'a' * 20}.{'b' * 20}.c_d-e.", "got [redacted]."),
    ("a key of GitHub", f"ghp_{'a1' * 18} ok", "[redacted] ok"),
    ("a key of GitLab", f"(glpat-{'a-1' * 7})", "([redacted])"),
    ("a key of AWS", f"AKIA{'A1' * 8}, ok", "[redacted], ok"),
    ("words that begin like keys", "ghp_short eyJ.a AKIA1 glpat-x", "ghp_short eyJ.a AKIA1 glpat-x"),
    ("characters that move a cursor", "a\x1b[2Jb\r", "a�[2Jb�"),
    ("plain words", "12 of 12 checks passed\nok", "12 of 12 checks passed\nok"),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS])
def test_a_secret_is_struck(text: str, expected: str) -> None:
    assert redacted(text, (CANARY,)) == expected


URLS = [
    ("https://app.example.com/login", "https://app.example.com/login"),
    ("https://ana:hunter2@app.example.com/login", "https://app.example.com/login"),
    ("http://app:8080/health?token=hunter2&x=1", "http://app:8080/health?…"),
    ("https://app/h#hunter2", "https://app/h"),
    ("https://hooks/T0/B0/aB3dE5fG7hI9jK1lM3nO5pQ7", "https://hooks/T0/B0/…"),
    ("https://app/invoices/export/health-of-the-exporter", "https://app/invoices/export/health-of-the-exporter"),
]


@pytest.mark.parametrize(("url", "expected"), URLS, ids=[case[1] for case in URLS])
def test_a_url_is_shown_without_what_may_be_secret(url: str, expected: str) -> None:
    assert shown_url(url) == expected


@pytest.mark.parametrize(("text", "most", "expected"), [("abc", 3, "abc"), ("abcd", 3, "…cd")])
def test_of_a_long_text_the_end_is_kept(text: str, most: int, expected: str) -> None:
    assert tail(text, most) == expected
