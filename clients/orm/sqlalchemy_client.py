"""SQLAlchemy with Alembic's migrations, and what an application does with it."""

import datetime
import decimal
import pathlib
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.orm import selectinload

from orders import AUTHORS, BOOKS, failure, many, task, write


class Base(DeclarativeBase):
    def seen(self):
        return {column.name: getattr(self, column.name) for column in self.__table__.columns}


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    email: Mapped[str] = mapped_column(sa.String(100))
    born: Mapped[datetime.date | None]
    active: Mapped[bool] = mapped_column(server_default=sa.true())
    books: Mapped[list["Book"]] = relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey("authors.id"))
    title: Mapped[str] = mapped_column(sa.Text)
    price: Mapped[decimal.Decimal] = mapped_column(sa.Numeric(20, 6))
    pages: Mapped[int | None]
    tags: Mapped[dict | None] = mapped_column(sa.JSON)
    published: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))
    author: Mapped[Author] = relationship(back_populates="books")


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    amount: Mapped[int]


def migrated(engine):
    config = Config()
    config.set_main_option("script_location", str(pathlib.Path(__file__).parent / "alembic"))
    config.attributes["engine"] = engine
    for step, revision in [
        (command.upgrade, "0001"),
        (command.upgrade, "head"),
        (command.downgrade, "-1"),
        (command.upgrade, "head"),
        (command.upgrade, "head"),
    ]:
        step(config, revision)
    inspector = sa.inspect(engine)
    tables = {
        table: [(column["name"], str(column["type"])) for column in inspector.get_columns(table)]
        for table in sorted(inspector.get_table_names())
    }
    keys = [key["constrained_columns"] for key in inspector.get_foreign_keys("books")]
    return {"tables": tables, "keys": keys}


def used(engine):
    return {
        "created": create(engine),
        "read": read(engine),
        "changed": change(engine),
        "transactions": transactions(engine),
        "failures": failures(engine),
        "crowd": crowd(engine),
    }


def create(engine):
    with Session(engine) as session:
        ada, lukasz = (Author(**author) for author in AUTHORS)
        ada.books = [Book(**book) for book in BOOKS]
        session.add_all([ada, lukasz])
        session.flush()
        ids = [ada.id, lukasz.id, [book.id for book in ada.books]]
        session.execute(sa.insert(Item), many(500))
        session.commit()
        one = session.execute(sa.insert(Item).values(name="one", amount=0))
        session.commit()
        return {"ids": ids, "last": list(one.inserted_primary_key)}


def read(engine):
    with Session(engine) as session:
        query = sa.select(Author).options(selectinload(Author.books)).order_by(Author.id)
        authors = [
            author.seen() | {"books": [book.seen() for book in author.books]}
            for author in session.scalars(query)
        ]
        total = session.execute(sa.select(sa.func.count(), sa.func.sum(Item.amount))).one()
        page = session.scalars(
            sa.select(Item).where(Item.amount > 70).order_by(Item.id.desc()).offset(2).limit(3)
        )
        streamed = session.scalars(
            sa.select(Item.name).order_by(Item.id).execution_options(yield_per=100)
        )
        return {
            "authors": authors,
            "total": list(total),
            "page": [item.seen() for item in page],
            "streamed": len(list(streamed)),
            "greeting": session.scalar(sa.select(Book.id).where(Book.title == BOOKS[1]["title"])),
        }


def change(engine):
    upsert = mysql.insert(Item).values([{"name": "item 1", "amount": 9}, {"name": "n", "amount": 5}])
    upsert = upsert.on_duplicate_key_update(amount=upsert.inserted.amount)
    with engine.begin() as connection:
        updated = connection.execute(
            sa.update(Item).where(Item.amount > 3000).values(amount=Item.amount + 1)
        ).rowcount
        same = connection.execute(sa.update(Item).where(Item.name == "one").values(amount=0))
        upserted = connection.execute(upsert).rowcount
        deleted = connection.execute(sa.delete(Item).where(Item.amount > 3400)).rowcount
    return [updated, same.rowcount, upserted, deleted]


def transactions(engine):
    with Session(engine.execution_options(isolation_level="READ COMMITTED")) as session:
        session.add(Item(name="kept", amount=1))
        session.flush()
        with session.begin_nested() as inner:
            session.add(Item(name="inner", amount=2))
            session.flush()
            inner.rollback()
        session.commit()
    with Session(engine) as session:
        session.add(Item(name="lost", amount=3))
        session.flush()
        session.rollback()
    automatic = engine.execution_options(isolation_level="AUTOCOMMIT")
    with automatic.connect() as connection:
        connection.execute(sa.insert(Item).values(name="automatic", amount=4))
    with engine.connect() as connection:
        names = sa.select(Item.name).where(
            Item.name.in_(["kept", "inner", "lost", "automatic"])
        )
        level = connection.exec_driver_sql("SELECT @@autocommit").scalar()
        return {"names": sorted(connection.scalars(names)), "autocommit": level}


def failures(engine):
    def twice():
        with engine.begin() as connection:
            connection.execute(sa.insert(Author).values(AUTHORS[0]))

    def orphan():
        with engine.begin() as connection:
            connection.execute(sa.insert(Book).values(author_id=999, **BOOKS[0]))

    def nothing():
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT * FROM nowhere"))

    return [failure(action) for action in (twice, orphan, nothing)]


def crowd(engine):
    """More threads at once than the engine's pool has connections."""
    own = Item.name == "counter"

    def increase(_):
        with Session(engine) as session, session.begin():
            item = session.scalars(sa.select(Item).where(own).with_for_update()).one()
            item.amount += 1

    with Session(engine) as session, session.begin():
        session.add(Item(name="counter", amount=0))
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(increase, range(12)))
    with Session(engine) as session:
        return session.scalars(sa.select(Item.amount).where(own)).one()


def main():
    endpoint, what = task()
    url = sa.URL.create(
        "mysql+pymysql",
        username=endpoint["user"],
        password=endpoint["password"],
        host=endpoint["host"],
        port=endpoint["port"],
        database=endpoint["database"],
    )
    engine = sa.create_engine(url, pool_size=3, max_overflow=2, pool_pre_ping=True)
    write(migrated(engine) if what == "migrate" else used(engine))
    engine.dispose()


main()
