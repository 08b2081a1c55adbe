"""C{twistd achat}: the one place where every object is made."""

from __future__ import annotations

import os
import re
import select
from pathlib import Path
from time import perf_counter
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from achat_twisted import link, systemd, transport, wire
from achat_twisted.admin.housekeeper import Housekeeper
from achat_twisted.admin.server import AdminServer
from achat_twisted.admission import Admission
from achat_twisted.broker import Broker
from achat_twisted.descriptors import Descriptors, have_many, lowest_free
from achat_twisted.factory import ChatFactory
from achat_twisted.interfaces import IMailbox, IMeter
from achat_twisted.limits import Limits
from achat_twisted.listener import Listener
from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.mailbox.worker import ThreadWorker
from achat_twisted.meter import NO_METER, Meter
from achat_twisted.options import DAY, MEMORY, Options
from achat_twisted.poller import Poller
from achat_twisted.reader import Manners
from achat_twisted.service import ChatService
from achat_twisted.signals import ProcessSignals

__all__ = ["Options", "makeService"]

_DESCRIPTORS = 2**20
"""As many as the server allows itself, if it may: enough for any C{--connections}."""

_TLS_FOLDER = re.compile(r"tls:(?:path=)?((?:\\.|[^:\\])+)")


def _check_certificates(description: str) -> None:
    """See that there is a certificate for a C{tls:} endpoint, which itself does not mind.

    @raise ValueError: if there is none.
    """
    if match := _TLS_FOLDER.match(description):
        folder = Path(re.sub(r"\\(.)", r"\1", match[1]))
        if not any(folder.glob("*.pem")):
            raise ValueError(f"no file *.pem is to be seen in {folder}")


def _endpoint(reactor: Any, option: str, description: str) -> IStreamServerEndpoint:
    try:
        if description.startswith("stdio"):
            raise ValueError("it is not a socket that clients can connect to")
        _check_certificates(description)
        endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
        return endpoint
    except TypeError:
        why = r"an argument is missing, unknown or doubled; a colon inside of one is written \:"
    except IndexError:
        why = "systemd has not handed over so many sockets"
    except (ValueError, KeyError, OSError) as error:
        why = str(error).replace("invalid literal for int() with base 10:", "no number:")
    raise SystemExit(f"achat: --{option} {description!r} is no endpoint: {why}")


def _make_mailbox(options: Options, reactor: Any, meter: IMeter) -> IMailbox:
    path = options["mailbox"]
    limits = MailLimits(
        per_name=options["mailbox-limit"],
        total=options["mailbox-total"],
        age=options["keep"] * DAY,
    )
    if path == MEMORY:
        return MemoryMailbox(reactor, limits)
    return SqliteMailbox(
        lambda: Database(path, durable=options["durable"]),
        Committer(ThreadWorker(reactor), reactor, meter),
        reactor,
        limits,
    )


def makeService(options: Options, reactor: Any = None) -> IService:
    """Every object of the server, made and handed to those who need it."""
    if reactor is None:
        from twisted.internet import reactor
    render = wire.say_nothing if options["plain"] else wire.render_notice
    limits = Limits.of(options)
    meter = Meter(perf_counter)
    told: IMeter = meter if options["http"] else NO_METER
    mailbox = _make_mailbox(options, reactor, told)
    poller = Poller(reactor, select.epoll(), told)
    broker = Broker(
        reactor,
        mailbox,
        soon=poller.soon,
        limits=limits,
        duplicate=options["duplicate"],
        durable=options["durable"],
        outbox_limit=options["outbox-limit"],
        render=render,
    )
    factory = ChatFactory(
        broker,
        reactor,
        Manners(options["max-line"], options["recipients"], options["login-timeout"], render),
        make_link=lambda socket: link.over(socket, reactor),
        admission=Admission(reactor, limits),
        meter=told,
    )
    descriptors = Descriptors(reactor, have_many(_DESCRIPTORS), free=lowest_free)

    def prepare(port: Any) -> None:
        transport.prepare(port, poller, descriptors.taken)
        descriptors.watch(port)

    listeners = [
        Listener(_endpoint(reactor, "listen", description), description, factory, prepare)
        for description in options.endpoints()
    ]
    housekeeper = Housekeeper(
        broker,
        mailbox,
        connections=lambda: factory.connections,
        phase=lambda: service.phase.value,
    )
    attendants: list[Service] = []
    if options["admin"]:
        attendants.append(AdminServer(options["admin"], housekeeper, reactor))
    if options["http"]:
        # Not imported above, as it takes 4 MB, which only those need who are watched.
        from achat_twisted import metrics, monitor

        registry = metrics.registry(metrics.Metrics(broker, mailbox, factory, meter))
        pages = monitor.pages(registry, housekeeper.state)
        endpoint = _endpoint(reactor, "http", options["http"])
        lobby = monitor.Lobby(pages, reactor)
        attendants.append(monitor.Monitor(endpoint, options["http"], lobby))
    service = ChatService(
        listeners,
        factory,
        broker,
        mailbox,
        clock=reactor,
        signals=ProcessSignals(reactor),
        notifier=systemd.from_environment(os.environ, housekeeper.status, reactor),
        stop_process=reactor.stop,
        grace=options["grace"],
        attendants=attendants,
    )
    return service
