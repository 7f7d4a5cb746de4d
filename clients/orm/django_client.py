"""Django: its migrations, and what an application does with it."""

from concurrent.futures import ThreadPoolExecutor

import django
import pymysql
from django.conf import settings

from orders import AUTHORS, BOOKS, failure, many, task, write

endpoint, what = task()
# Django wants mysqlclient, whose place PyMySQL takes where nothing can be compiled.
pymysql.version_info = (2, 2, 1, "final", 0)
pymysql.install_as_MySQLdb()
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "HOST": endpoint["host"],
            "PORT": endpoint["port"],
            "USER": endpoint["user"],
            "PASSWORD": endpoint["password"],
            "NAME": endpoint["database"],
            "OPTIONS": {"charset": "utf8mb4"},
            "CONN_MAX_AGE": 60,
        }
    },
    INSTALLED_APPS=["shop"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=False,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from shop.models import Author, Book, Item, Tag  # noqa: E402


def migrated():
    for target in ("0001", "0002", "0001", "0002"):
        call_command("migrate", "shop", target, verbosity=0)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        described = connection.introspection.get_table_description(cursor, "shop_book")
        # Names of constraints hold hashes of names that are the same in both databases.
        constraints = sorted(connection.introspection.get_constraints(cursor, "shop_book"))
    columns = [[column.name, column.null_ok] for column in described]
    return {"tables": tables, "columns": columns, "constraints": constraints}


def used():
    return {
        "created": create(),
        "read": read(),
        "changed": change(),
        "transactions": transactions(),
        "failures": failures(),
        "crowd": crowd(),
    }


def create():
    authors = [Author.objects.create(**author) for author in AUTHORS]
    books = [authors[0].books.create(**book) for book in BOOKS]
    tags = [Tag.objects.get_or_create(name=name) for name in ("новый", "old", "old")]
    books[0].labels.set([tag for tag, _ in tags])
    made = Item.objects.bulk_create([Item(**item) for item in many(500)], batch_size=200)
    last = Item.objects.create(name="one", amount=0)
    return {
        "ids": [author.id for author in authors] + [book.id for book in books],
        "tags": [created for _, created in tags],
        "made": len(made),
        "last": last.id,
    }


def read():
    authors = [
        row(author) | {"books": [row(book) for book in author.books.all()]}
        for author in Author.objects.prefetch_related("books").order_by("id")
    ]
    joined = Book.objects.select_related("author").filter(labels__name="новый")
    total = Item.objects.aggregate(n=models.Count("id"), amount=models.Sum("amount"))
    return {
        "authors": authors,
        "joined": [[book.author.name, book.title] for book in joined],
        "total": total,
        "page": list(Item.objects.filter(amount__gt=70).order_by("-id").values()[2:5]),
        "streamed": sum(1 for _ in Item.objects.iterator(chunk_size=100)),
        "json": list(Book.objects.filter(tags__kind="paper").values_list("id", flat=True)),
        "exact": list(Book.objects.filter(title=BOOKS[1]["title"]).values_list("price")),
        "years": list(Book.objects.dates("published", "year")),
    }


def row(model):
    return {field.column: getattr(model, field.column) for field in model._meta.concrete_fields}


def change():
    updated = Item.objects.filter(amount__gt=3000).update(amount=models.F("amount") + 1)
    same = Item.objects.filter(name="one").update(amount=0)
    changed = [Item(name="item 1", amount=9), Item(name="n", amount=5)]
    Item.objects.bulk_create(changed, update_conflicts=True, update_fields=["amount"])
    item, created = Item.objects.update_or_create(name="n", defaults={"amount": 6})
    deleted = Item.objects.filter(amount__gt=3400).delete()
    return [updated, same, item.amount, created, deleted]


def transactions():
    with transaction.atomic():
        Item.objects.create(name="kept", amount=1)
        fails(lambda: inner("inner"))
    fails(lambda: inner("lost"))
    with transaction.atomic():
        transaction.on_commit(lambda: Item.objects.create(name="after", amount=4))
    names = ["kept", "inner", "lost", "after"]
    return sorted(Item.objects.filter(name__in=names).values_list("name", flat=True))


def inner(name):
    with transaction.atomic():
        Item.objects.create(name=name, amount=2)
        raise ValueError("on purpose")


def fails(action):
    try:
        action()
    except ValueError:
        pass


def failures():
    def orphan():
        with transaction.atomic():
            Book.objects.create(author_id=999, **BOOKS[0])

    def nothing():
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM nowhere")

    return [
        failure(action)
        for action in (lambda: Author.objects.create(**AUTHORS[0]), orphan, nothing)
    ]


def crowd():
    """More threads at once than the hyperdrive has origin connections."""

    def increase(_):
        with transaction.atomic():
            item = Item.objects.select_for_update().get(name="counter")
            item.amount += 1
            item.save()
        connection.close()

    Item.objects.create(name="counter", amount=0)
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(increase, range(12)))
    return Item.objects.get(name="counter").amount


write(migrated() if what == "migrate" else used())
