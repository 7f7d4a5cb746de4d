"""The tables, as Django is told them."""

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100)
    email = models.CharField(max_length=100, unique=True)
    born = models.DateField(null=True)
    active = models.BooleanField(default=True)


class Tag(models.Model):
    name = models.CharField(max_length=100, unique=True)


class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    title = models.TextField()
    price = models.DecimalField(max_digits=20, decimal_places=6)
    pages = models.IntegerField(null=True, db_index=True)
    tags = models.JSONField(null=True)
    published = models.DateTimeField(null=True)
    labels = models.ManyToManyField(Tag, related_name="books")


class Item(models.Model):
    name = models.CharField(max_length=100, unique=True)
    amount = models.IntegerField()
