"""Permissions as they are stored: what a policy allows on a collection."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from watchword.query.filters import EVERYTHING, Filter


class Action(StrEnum):
    """What can be done to items."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


class Permission(msgspec.Struct, frozen=True):
    """One grant. `fields` None means all (`*`). `filter` limits the rows; `validation` limits the values written."""

    collection: str
    action: Action
    filter: Filter = EVERYTHING
    fields: frozenset[str] | None = None
    presets: dict[str, Any] = {}
    validation: Filter = EVERYTHING


class Policy(msgspec.Struct, frozen=True):
    """A set of permissions, given to roles or users. `ip_access` lists addresses, ranges or networks; empty: any."""

    id: str
    permissions: tuple[Permission, ...] = ()
    admin_access: bool = False
    app_access: bool = False
    ip_access: tuple[str, ...] = ()
