"""What settings say by themselves: names, addresses, cookies, proxies, origins."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watchword.app.build import http_settings
from watchword.app.doctor.finding import ok, problem, warning
from watchword.app.settings import SettingsError, unknown_names
from watchword.http.settings import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.app.doctor.finding import Finding
    from watchword.app.settings import Settings

_SETTINGS, _URL, _COOKIES, _PROXY, _ORIGINS = "settings", "public URL", "cookies", "proxy", "other origins"


def check_names(environment: Mapping[str, str] | None) -> Iterator[Finding]:
    """Look for names in the environment that somebody took for settings."""
    unknown = unknown_names(environment)
    for name, nearest in unknown.items():
        advice = f"Did you mean {nearest}?" if nearest else "Remove it: nothing reads it."
        yield warning(_SETTINGS, f"{name} is set and is no setting of this server.", advice)
    if not unknown:
        yield ok(_SETTINGS, "Every value fits its setting.")


def check_public_url(settings: Settings) -> Iterator[Finding]:
    """Look at the address that clients use."""
    url, local = settings["PUBLIC_URL"], is_local(settings["HOST"])
    if not url and local:
        yield ok(_URL, "Not set; the server listens to this machine alone.")
    elif not url:
        yield warning(
            _URL,
            "PUBLIC_URL is not set, and other machines can connect.",
            "Set PUBLIC_URL to the address that clients use, such as https://api.example.com.",
        )
    elif origin_of(url) is None:
        yield problem(_URL, "PUBLIC_URL is no address.", "Write it with http:// or https:// and a host.")
    elif not local and is_local(urlsplit(url).hostname or ""):
        advice = "Set it to the address by which other machines reach the server."
        yield warning(_URL, "PUBLIC_URL names this machine, and others can connect.", advice)
    else:
        yield ok(_URL, f"{url}")


def check_cookies(settings: Settings) -> Iterator[Finding]:
    """Look at what browsers will make of the cookies."""
    try:
        http = http_settings(settings)
    except (ValueError, SettingsError) as error:
        yield problem(_COOKIES, f"{error}.", "Mend the setting; the server does not start with it.")
        return
    found = False
    for prefix, cookie in (("REFRESH_TOKEN", http.refresh_cookie), ("SESSION", http.session_cookie)):
        secure = http.is_https if cookie.secure is None else cookie.secure
        for each in _of_cookie(settings, prefix, secure=secure, domain=cookie.domain):
            found = True
            yield each
    if not found:
        yield ok(_COOKIES, "Browsers will take and send them.")


def _of_cookie(settings: Settings, prefix: str, *, secure: bool, domain: str | None) -> Iterator[Finding]:
    name, url = f"{prefix}_COOKIE", settings["PUBLIC_URL"]
    host = urlsplit(url).hostname or ""
    if settings[f"{name}_SAME_SITE"] == "none" and not secure:
        advice = f"Serve over https and set PUBLIC_URL, or set {name}_SAME_SITE to lax."
        yield problem(_COOKIES, f"{name}_SAME_SITE is none and the cookie is not Secure: browsers refuse it.", advice)
    elif secure and url.startswith("http:") and not is_local(host):
        advice = f"Serve over https, or do not set {name}_SECURE."
        yield problem(_COOKIES, f"{name}_SECURE is set and PUBLIC_URL is http: browsers refuse the cookie.", advice)
    elif not secure and url.startswith("https:"):
        advice = f"Do not set {name}_SECURE: it is secure by itself when PUBLIC_URL is https."
        yield warning(_COOKIES, f"{name}_SECURE is false: the cookie also goes over plain http.", advice)
    if domain and host and not f".{host}".endswith(f".{domain.lstrip('.')}"):
        advice = f"Set {name}_DOMAIN to {host} or a domain above it, or leave it out."
        yield problem(_COOKIES, f"{name}_DOMAIN is not that of PUBLIC_URL: browsers refuse the cookie.", advice)


def check_proxy(settings: Settings) -> Iterator[Finding]:
    """Look at who stands in front, and whose word on addresses is taken."""
    local, https = is_local(settings["HOST"]), settings["PUBLIC_URL"].startswith("https:")
    trusted = settings["IP_TRUST_PROXY"]
    if not local and not https:
        text = "Other machines connect without TLS: passwords and tokens can be read on the way."
        advice = "Put a proxy that speaks TLS in front, listen to 127.0.0.1, and set PUBLIC_URL to its https address."
        yield warning(_PROXY, text, advice)
    elif https and trusted == 0:
        advice = "Set IP_TRUST_PROXY to the number of proxies in front."
        text = "TLS ends at a proxy, and its word is not taken: all clients seem to be one, and slow each other down."
        yield warning(_PROXY, text, advice)
    elif trusted and not local:
        advice = "Let only the proxy reach the port, or let the server listen to 127.0.0.1."
        text = "The proxy's word on addresses is taken, and others can reach the port: they can claim any address."
        yield warning(_PROXY, text, advice)
    else:
        yield ok(_PROXY, f"{trusted} trusted." if trusted else "None is trusted, and none is needed.")


def check_origins(settings: Settings) -> Iterator[Finding]:
    """Look at which pages of other origins may call."""
    if not settings["CORS_ENABLED"]:
        yield ok(_ORIGINS, "No page of another origin may call.")
        return
    origins = settings["CORS_ORIGIN"]
    bad = [origin for origin in origins if origin != "*" and origin_of(origin) is None]
    if bad:
        yield problem(_ORIGINS, f"CORS_ORIGIN: {bad[0]!r} is no origin.", "Write it like https://app.example.com.")
    elif not origins:
        yield warning(_ORIGINS, "CORS_ENABLED is set and CORS_ORIGIN is empty.", "List the origins in CORS_ORIGIN.")
    elif "*" in origins:
        advice = "List the origins in CORS_ORIGIN, unless this is meant to be read by every page."
        yield warning(_ORIGINS, "Every page may call; without cookies.", advice)
    else:
        yield ok(_ORIGINS, ", ".join(origins))


def is_local(host: str) -> bool:
    """Whether an address or name means this machine and nothing else."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
