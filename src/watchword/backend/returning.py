"""Returning: whether somebody who comes back may have lost sight of rows by a change of rights in between.

Such rows have not changed, so replaying what was missed would leave them with the client for ever. Rights that were
added are no matter: what comes into sight by them is told at its next change, as it is to those who stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.access.permissions import Action
from watchword.identity.users import USERS
from watchword.storage.log import Bulk, Entry, Logged

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.access.principal import Principal
    from watchword.live.matching import View

OF_RIGHTS = ("directus_permissions", "directus_access", "directus_policies", "directus_roles", USERS)
"""The collections that hold what everybody may see."""

_MEMBERSHIP = frozenset({"CURRENT_ROLE", "CURRENT_ROLES", "CURRENT_POLICIES"})
_WHICH_ROWS = ("policy", "collection", "action", "permissions")
_SWITCHES = ("admin_access", "app_access", "ip_access")
_HOLDER = ("role", "user", "policy")

Image = dict[str, Any]


class _Passage(msgspec.Struct, frozen=True):
    """What one row was at the beginning and is at the end; None where there was or is none."""

    collection: str
    key: str
    before: Image | None
    after: Image | None
    omitted: frozenset[str]

    def differs(self, names: Iterable[str]) -> bool:
        """Whether one of these members is another one, or may be: or the row came or went."""
        before, after = self.before, self.after
        if before is None or after is None:
            return before is not after
        return any(name in self.omitted or before.get(name) != after.get(name) for name in names)

    def images(self) -> list[Image]:
        """What the row was and is, as far as there was and is one."""
        return [image for image in (self.before, self.after) if image is not None]


def concerns(entry: Entry, principal: Principal) -> bool:
    """Whether a change of `OF_RIGHTS` may be about a principal: not one of another user."""
    return entry.collection != USERS or isinstance(entry, Bulk) or entry.key == principal.user


def may_have_lost_sight(entries: Sequence[Entry], principal: Principal, view: View) -> bool:
    """Whether changes of users, roles and rules may have taken rows out of a principal's sight of a view.

    `principal` and `view` are those of now. What was changed and changed back is no change. In doubt the answer is yes.
    """
    if any(isinstance(entry, Bulk) for entry in entries):
        return True
    judge = _Judge(principal, view)
    return any(judge.concerns(each) for each in _passages(entry for entry in entries if isinstance(entry, Logged)))


def _passages(entries: Iterable[Logged]) -> Iterable[_Passage]:
    first: dict[tuple[str, str], Logged] = {}
    last: dict[tuple[str, str], Logged] = {}
    for entry in entries:
        first.setdefault((entry.collection, entry.key), entry)
        last[entry.collection, entry.key] = entry
    return [
        _Passage(*name, begin.before, last[name].after, frozenset(begin.omitted + last[name].omitted))
        for name, begin in first.items()
    ]


class _Judge:
    def __init__(self, principal: Principal, view: View) -> None:
        self._principal = principal
        self._collection = view.shape.collection
        # More rights elsewhere can take rows out of the sight of a rule that asks for related rows or for memberships.
        self._hangs_on_others = view.is_relational
        self._hangs_on_roles = any(variable.name in _MEMBERSHIP for variable in view.shape.personal)
        own = principal.user_values
        self._of_user = {"role", *(name for name in own if "." not in name)}
        self._of_role = {"parent", *principal.role_values, *(name.partition(".")[2] for name in own if "." in name)}

    def concerns(self, passage: _Passage) -> bool:
        match passage.collection:
            case "directus_permissions":
                return self._is_narrower(passage)
            case "directus_access":
                return self._is_withdrawn(passage)
            case "directus_policies":
                return passage.before is not None and passage.after is not None and passage.differs(_SWITCHES)
            case "directus_roles":
                return passage.key in self._principal.roles and passage.differs(self._of_role)
            case _:
                return passage.key == self._principal.user and passage.differs(self._of_user)

    def _is_narrower(self, passage: _Passage) -> bool:
        """Whether a permission to read what is followed is none any more, or one for other rows.

        One of a policy that is not in force any more is told by what took that policy away.
        """
        if not passage.differs(_WHICH_ROWS) or (passage.before is None and not self._hangs_on_others):
            return False
        return any(
            image.get("policy") in self._principal.policies
            and image.get("action") == Action.READ
            and (self._hangs_on_others or image.get("collection") == self._collection)
            for image in passage.images()
        )

    def _is_withdrawn(self, passage: _Passage) -> bool:
        """Whether a policy was given to the caller, a role of theirs or the public, and is not any more."""
        is_new = passage.before is None and not (self._hangs_on_others or self._hangs_on_roles)
        return not is_new and passage.differs(_HOLDER) and any(map(self._is_held, passage.images()))

    def _is_held(self, image: Image) -> bool:
        user, role = image.get("user"), image.get("role")
        if user is None and role is None:
            return self._principal.role is None
        return (user is not None and user == self._principal.user) or role in self._principal.roles
