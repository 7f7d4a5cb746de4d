"""Authors and their books."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Author",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=100)),
                ("email", models.CharField(max_length=100, unique=True)),
                ("born", models.DateField(null=True)),
                ("active", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=100, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.TextField()),
                ("price", models.DecimalField(max_digits=20, decimal_places=6)),
                ("tags", models.JSONField(null=True)),
                ("published", models.DateTimeField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="books", to="shop.author"
                    ),
                ),
                ("labels", models.ManyToManyField(related_name="books", to="shop.tag")),
            ],
        ),
    ]
