"""Listening sockets on loopback, IPv4 and (where there is one) IPv6."""

from __future__ import annotations

import errno
import socket


class PortInUseError(OSError):
    """Another program listens on the port; the message says which, and what to do."""


def listen_loopback(port: int, setting: str) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and ::1 at ``port`` (0: any free one), bound and ready to listen.

    Both, so that no other program can answer for "localhost". ``setting`` names where the port is configured. Raises
    `PortInUseError`, and `OSError` for what else can go wrong.
    """
    first = _bind(socket.AF_INET, "127.0.0.1", port, setting)
    try:
        second = _bind(socket.AF_INET6, "::1", first.getsockname()[1], setting)
    except PortInUseError:
        first.close()
        raise
    except OSError as error:
        if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            first.close()
            raise
        return [first]
    return [first, second]


def _bind(family: socket.AddressFamily, host: str, port: int, setting: str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    # Lets a restart bind at once after a stop; on Linux it does not allow two listeners.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                error.errno,
                f"port {port} on {host} is in use: stop the program that listens there (perhaps another Phantom "
                f"Arbiter), or set {setting} to a free port",
            ) from error
        raise
    return sock
