"""Items, and an index on the pages of books."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    items = op.create_table(
        "items",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("amount", sa.Integer, nullable=False),
    )
    op.bulk_insert(items, [{"name": "seed", "amount": -1}])
    op.create_index("books_pages", "books", ["pages"])


def downgrade():
    op.drop_index("books_pages", "books")
    op.drop_table("items")
