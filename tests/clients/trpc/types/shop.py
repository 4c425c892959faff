"""A shop whose procedures take and give what types there are; its types are written for two mounts."""

from __future__ import annotations

import enum
import hashlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NotRequired, TypedDict, TypeVar

import msgspec
import pydantic

from watchword import ByteStream, Code, FormData, Problem, Router, Tracked, Watchword, tracked
from watchword.backend.challenges import Challenge

T = TypeVar("T")


class Size(enum.Enum):
    """How large something is."""

    SMALL = "small"
    LARGE = "large"


class Item(msgspec.Struct, rename="camel"):
    """Something for sale."""

    item_id: uuid.UUID
    name: Annotated[str, msgspec.Meta(min_length=1, description="What it is called.")]
    price: Decimal
    size: Size = Size.SMALL
    tags: set[str] = set()
    note: str | None = None
    added: datetime | None = None
    photo: bytes = b""
    stock: dict[int, int] = {}


class Cash(msgspec.Struct, tag="cash"):
    amount: float


class Card(msgspec.Struct, tag="card"):
    number: str
    until: date


class Category(msgspec.Struct):
    """A category with those in it."""

    name: str
    children: list[Category] = []


class Page(msgspec.Struct, Generic[T]):
    """Some of many."""

    entries: list[T]
    next: int | None = None


class Address(TypedDict):
    street: str
    zip: NotRequired[str]


@dataclass
class Receipt:
    """What was paid."""

    total: float
    paid_by: Cash | Card
    lines: list[tuple[str, int]]


class Customer(pydantic.BaseModel):
    """Who buys."""

    email: str = pydantic.Field(min_length=3)
    since: datetime
    sizes: dict[Size, int] = {}
    friends: list[Customer] = []


class Settings(msgspec.Struct, omit_defaults=True):
    theme: Literal["dark", "light"] = "light"
    volume: int | msgspec.UnsetType = msgspec.UNSET


LAMP = Item(uuid.UUID(int=1), "Lamp", Decimal("9.90"))

items = Router()
orders = Router()


@items.query
async def by_id(item_id: str) -> Item | None:
    """Find an item.

    Gives null where there is none.
    """
    return LAMP if item_id == str(LAMP.item_id) else None


@items.query
async def search(
    text: str = "", size: Size | None = None, limit: Annotated[int, msgspec.Meta(ge=1)] = 20
) -> Page[Item]:
    return Page([LAMP][:limit] if text in LAMP.name and size in {None, LAMP.size} else [])


@items.mutation
async def add(item: Item) -> Item:
    return item


@items.query
async def tree() -> Category:
    return Category("everything", [Category("light")])


@items.mutation
async def plant(category: Category) -> None:
    if not category.name:
        raise Problem(Code.INVALID_PAYLOAD, "It needs a name.", field="name")


@items.query
async def export(size: Size) -> AsyncIterator[Item]:
    if size is LAMP.size:
        yield LAMP


@items.mutation
async def photo(form: FormData) -> int:
    return len(form.entries)


@items.mutation
async def scan(content: ByteStream) -> str:
    return hashlib.sha256(await content.read()).hexdigest()


@items.subscription
async def changes(size: Size | None = None, last_event_id: str | None = None) -> AsyncIterator[Tracked[Item]]:
    if last_event_id is None and size in {None, LAMP.size}:
        yield tracked("1", LAMP)


@orders.mutation
async def pay(order: int, by: Cash | Card, to: Address | None = None) -> Receipt:
    total = by.amount if isinstance(by, Cash) else 0.0
    return Receipt(total, by, [("nowhere" if to is None else to["street"], order)])


@orders.mutation
async def register(customer: Customer) -> Customer:
    return customer


@orders.query
async def total(numbers: list[int], /) -> float:
    return float(sum(numbers))


@orders.query
async def anything(value: Any, /) -> object:
    return value


@orders.query(name="of-day")
async def of_day(day: date) -> list[int]:
    return [day.day]


@orders.query
async def settings(settings: Settings) -> Settings:
    return settings


@orders.subscription
async def clock() -> AsyncIterator[datetime]:
    yield datetime.now(UTC)


@orders.subscription(ticket=True)
async def follow(order: int) -> AsyncIterator[Literal["paid", "sent"]]:
    yield "paid" if order else "sent"


app = Watchword()
app.include("items", items)
app.include("orders", orders)
app.trpc(challenge=Challenge())
app.trpc("/super", transformer="superjson")
