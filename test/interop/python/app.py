"""An order service that knows nothing of tracing: FastAPI, SQLAlchemy on SQLite, HTTPX.

`opentelemetry-instrument` sees all three. With NEXT_URL set it asks that for the stock.
"""

import os

import httpx
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

engine = create_engine(
    "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
)
with engine.begin() as connection:
    connection.execute(text("CREATE TABLE item (name TEXT, price INTEGER)"))
    connection.execute(text("INSERT INTO item VALUES ('tea', 7)"))

app = FastAPI()


@app.get("/orders/{item}")
def order(item: str):
    with engine.connect() as connection:
        query = text("SELECT price FROM item WHERE name = :name")
        price = connection.execute(query, {"name": item}).scalar()
    next_url = os.environ.get("NEXT_URL")
    stock = httpx.get(f"{next_url}/stock/{item}").json() if next_url else None
    return {"item": item, "price": price, "stock": stock}


@app.get("/broken")
def broken():
    raise RuntimeError("out of tea")
