"""What each Python ORM is asked to store, so that all store the same."""

import datetime
import decimal
import json
import sys

GREETING = "Grüße, мир, 世界, 🚀 \"quoted\" \\ back'slash %s %(x)s {}"

AUTHORS = [
    {"name": "Ada", "email": "ada@example.com", "born": datetime.date(1815, 12, 10)},
    {"name": "Łukasz", "email": "lukasz@example.com", "born": datetime.date(1987, 2, 28)},
]

BOOKS = [
    {
        "title": "Notes",
        "price": decimal.Decimal("12345678901234.567890"),
        "pages": 64,
        "tags": {"kind": "paper", "at": [1, 2.5, None]},
        "published": datetime.datetime(2024, 2, 29, 23, 59, 58, 123456),
    },
    {
        "title": GREETING,
        "price": decimal.Decimal("0.000001"),
        "pages": None,
        "tags": {"nested": {"ключ": "значение"}},
        "published": None,
    },
]


def many(count):
    """Many rows at once, as imports make them."""
    return [{"name": f"item {at}", "amount": at * 7} for at in range(count)]


def task():
    """Where the server is, and what to do: `migrate` or `use`."""
    endpoint, what = sys.argv[1:]
    return json.loads(endpoint), what


def failure(action):
    """The number of the error that an action ends with."""
    try:
        action()
    except Exception as error:
        return getattr(error, "orig", error).args[0]
    return "ok"


def write(seen):
    """Prints what was seen, and nothing else."""
    print(json.dumps(seen, default=str, ensure_ascii=True))
