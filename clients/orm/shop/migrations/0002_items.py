"""Items, and the pages of books; one of its steps is Python."""

from django.db import migrations, models


def seed(apps, schema_editor):
    apps.get_model("shop", "Item").objects.create(name="seed", amount=-1)


def remove(apps, schema_editor):
    apps.get_model("shop", "Item").objects.filter(name="seed").delete()


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_tables")]
    operations = [
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=100, unique=True)),
                ("amount", models.IntegerField()),
            ],
        ),
        migrations.RunPython(seed, remove),
        migrations.AddField("Book", "pages", models.IntegerField(db_index=True, null=True)),
    ]
