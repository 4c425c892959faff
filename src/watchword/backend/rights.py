"""Rights: what a change to our own tables means for those who are connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from watchword.backend.structure import KEYS, REVOCATIONS, SESSIONS, TOKENS
from watchword.backend.verification import SESSION_ENDED
from watchword.base.errors import Code, Problem
from watchword.identity.project import COLLECTION as SETTINGS
from watchword.identity.users import USERS
from watchword.storage.log import Bulk, Entry, Logged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from watchword.access.principal import Principal
    from watchword.data.writes import WriteLog
    from watchword.identity.authenticator import Identity
    from watchword.live.hub import Hub
    from watchword.live.peer import Peer

_log = structlog.get_logger(__name__)

CLOSE_ERROR = 1011
_MOST_USERS = 10_000
_TRIVIAL = frozenset({"last_access", "last_page"})
_RULES = frozenset({"directus_roles", "directus_policies", "directus_access", "directus_permissions"})


class Rights:
    """The feed's `Control`: withdraws identities and rights as soon as the log tells that they changed.

    `generation` grows with every change. What takes a while asks afterwards, by `have_changed`, whether one of them
    concerned its caller: changes of others, which anybody may make to their own row all the time, do not.
    """

    names = _RULES | {SESSIONS, TOKENS, KEYS, REVOCATIONS, USERS, SETTINGS}
    """The collections whose changes matter to anybody's identity or rights."""

    def __init__(self, identity: Identity, hub: Hub) -> None:
        self._identity = identity
        self._hub = hub
        self.generation = 0
        self._general = 0
        self._of_users: dict[str, int] = {}

    async def apply(self, changes: Sequence[Entry]) -> None:
        """Forget what was cached, close who may not stay, and follow anew what the others follow."""
        sessions = [change for change in changes if change.collection == SESSIONS]
        # Both look the sessions up at once, and tell `end_session` and `extend_session` what is new.
        if any(isinstance(change, Bulk) for change in sessions):
            await self.sweep()
        else:
            await self._identity.sessions.sweep(change.key for change in sessions if isinstance(change, Logged))
        has_tokens = any(change.collection == TOKENS for change in changes)
        if has_tokens:
            self._identity.static_tokens.forget()
        if any(change.collection == SETTINGS for change in changes):
            self._identity.project.invalidate()
        if any(change.collection == KEYS for change in changes):
            self._identity.keys.forget()
        has_revocations = any(change.collection == REVOCATIONS for change in changes)
        if has_revocations:
            self._identity.outside.forget()
        users = {change.key for change in changes if isinstance(change, Logged) and _decides_one(change)}
        for user in users:
            self.invalidate(user)
        if any(_decides_all(change) for change in changes):
            self.invalidate()
            await self._reconsider(lambda _: True)
        elif users or has_tokens or has_revocations:
            await self._reconsider(
                lambda principal: (
                    principal.user in users
                    or (has_tokens and principal.token is not None)
                    or (has_revocations and principal.issuer is not None)
                )
            )

    async def forget(self) -> None:
        """Look at every session, token, key and right again."""
        self._identity.static_tokens.forget()
        self._identity.outside.forget()
        self._identity.keys.forget()
        self._identity.project.invalidate()
        self.invalidate()
        await self.sweep()
        await self._reconsider(lambda _: True)

    async def follow_structure(self, changed: frozenset[str]) -> None:
        """Follow anew what is followed, on the collections as they are now; what cannot be followed any more ends."""
        for peer in self._hub.peers:
            await _refile(peer)

    def invalidate(self, user: str | None = None) -> None:
        """Work the rights of a user, or everybody's, out anew at their next use."""
        self._count(user)
        self._identity.grants.invalidate(user)

    def invalidate_by(self, writes: WriteLog) -> None:
        """Work out anew what writes to our own tables may have changed."""
        if any(written.collection in _RULES for written in writes):
            self.invalidate()
            return
        for user in {str(key) for written in writes if written.collection == USERS for key in written.keys}:
            self.invalidate(user)

    def have_changed(self, user: str | None, generation: int) -> bool:
        """Whether the rights of a user (None: of who is none) may be others than in that generation."""
        own = 0 if user is None else self._of_users.get(user, 0)
        return max(self._general, own) > generation

    def _count(self, user: str | None) -> None:
        self.generation += 1
        if user is None or len(self._of_users) >= _MOST_USERS:
            self._general = self.generation
            self._of_users.clear()
        else:
            self._of_users[user] = self.generation

    def end_session(self, session: str) -> None:
        """Close every connection of a session on this node."""
        self._end_sessions({session})

    def extend_session(self, session: str, expires_at: float) -> None:
        """Let the connections of a refreshed session live until `expires_at` (epoch seconds)."""
        for peer in self._hub.peers:
            peer.extend(session, expires_at)

    async def sweep(self) -> None:
        """Give up clients that do not read, and look up the sessions of all others, should a message have been lost."""
        for peer in self._hub.peers:
            peer.check()
        sessions = {session for peer in self._hub.peers if (session := peer.principal.session) is not None}
        self._end_sessions(set(await self._identity.sessions.sweep(sessions)))

    def _end_sessions(self, sessions: set[str]) -> None:
        if sessions:
            self._hub.revoke(lambda peer: peer.principal.session in sessions, SESSION_ENDED)

    async def _reconsider(self, concerns: Callable[[Principal], bool]) -> None:
        concerned = [peer for peer in self._hub.peers if concerns(peer.principal)]
        for peer in concerned:
            peer.doubt()  # all at once: some have to wait for what is looked up for others
        for peer in concerned:
            if await self._is_live(peer.principal):
                await _refile(peer)
            else:
                peer.revoke(SESSION_ENDED)

    async def _is_live(self, principal: Principal) -> bool:
        """Whether it has not been withdrawn; while that cannot be known, the feed has to wait and nobody is closed."""
        try:
            await self._identity.renew(principal)
        except Problem as problem:
            if problem.code is Code.SERVICE_UNAVAILABLE:
                raise
            return False
        return True


async def _refile(peer: Peer) -> None:
    """Let a connection follow everything anew; one that cannot is closed, and holds up nobody else."""
    try:
        await peer.refile()
    except Exception:  # noqa: BLE001 - what comes next in the log is for others, too
        _log.exception("connection.not_refiled", user=peer.principal.user)
        peer.stop(CLOSE_ERROR)


def _decides_all(change: Entry) -> bool:
    return change.collection in _RULES or (isinstance(change, Bulk) and change.collection == USERS)


def _decides_one(change: Logged) -> bool:
    """Whether a change of a user is one of more than where and when that user was last seen."""
    if change.collection != USERS:
        return False
    if change.before is None or change.after is None:
        return True
    before = change.before
    return any(before.get(name) != value for name, value in change.after.items() if name not in _TRIVIAL)
