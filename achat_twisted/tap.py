"""C{twistd achat}: the one place where every object is made."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from signal import SIGUSR1
from typing import Any

from twisted.application.service import IService, Service

from achat_twisted import wire
from achat_twisted.broker.broker import Broker
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.login.newcomers import Newcomers
from achat_twisted.login.passwords import VERIFIERS
from achat_twisted.login.service import ReloadableGate
from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.net import ports, selftest
from achat_twisted.net.descriptors import Descriptors, have_many
from achat_twisted.net.listener import Listener
from achat_twisted.net.poller import Poller
from achat_twisted.net.unix_sockets import UnixSockets
from achat_twisted.operator.admin import AdminFactory, AdminServer
from achat_twisted.operator.console import Console
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.server import systemd
from achat_twisted.server.collector import spare_what_stays
from achat_twisted.server.endpoints import Endpoints, is_encrypted, owner
from achat_twisted.server.log import ApplicationLog
from achat_twisted.server.options import DAY, Options
from achat_twisted.server.reload import Put, Reloader
from achat_twisted.server.service import ChatService
from achat_twisted.server.signals import ProcessSignals
from achat_twisted.server.values import MEMORY
from achat_twisted.tools.clock import wait_steadily
from achat_twisted.tools.errors import CannotStart
from achat_twisted.tools.interfaces import IMeter
from achat_twisted.tools.meter import NO_METER, Meter
from achat_twisted.tools.threads import ThreadWorker

__all__ = ["Options", "makeService"]

_DESCRIPTORS = 2**20
"""The descriptors that the server allows itself, if it may: enough for any C{--connections}."""


def _is_guarded(options: Mapping[str, Any]) -> bool:
    return bool(options["auth"])


def _anyone_makes_rooms(options: Mapping[str, Any]) -> bool:
    return bool(options["rooms"] == "open")


def _mail_limits(options: Mapping[str, Any]) -> MailLimits:
    return MailLimits(
        per_name=options["mailbox-limit"],
        total=options["mailbox-total"],
        per_room=options["room-limit"],
        age=options["keep"] * DAY,
    )


def _mailbox(options: Options, reactor: Any, meter: IMeter) -> IMailbox:
    path = options["mailbox"]
    limits = _mail_limits(options)
    if path == MEMORY:
        return MemoryMailbox(reactor, limits)
    return SqliteMailbox(
        lambda: Database(path, durable=options["durable"]),
        Committer(ThreadWorker(reactor), reactor, meter),
        reactor,
        limits,
        MailClock(reactor, time.time),
    )


def _steady_reactor() -> Any:
    from twisted.internet import reactor

    twistds: Any = reactor
    wait_steadily(twistds)
    spare_what_stays(twistds)
    return twistds


def _gate(options: Options, reactor: Any) -> ReloadableGate:
    gate = ReloadableGate(reactor, ThreadWorker(reactor, VERIFIERS, "auth"))
    try:
        gate.reload(options)()
    except CannotStart as error:
        sentence = str(error).removeprefix("achat: ")
        raise CannotStart(f"achat: {options.blame(sentence)}") from None
    return gate


def _expected(options: Options, reactor: Any, gate: ReloadableGate) -> Callable[[str], bool]:
    remembers_names = options["mailbox"] != MEMORY
    return gate.knows if remembers_names else Newcomers(reactor, gate).expects


def _monitor(
    options: Options,
    endpoints: Endpoints,
    broker: Broker,
    mailbox: IMailbox,
    factory: ChatFactory,
    console: Console,
    meter: Meter,
    reactor: Any,
) -> Service:
    # Not imported above, as it takes 4 MB, which only a server with --http needs.
    from achat_twisted.operator import http, metrics

    registry = metrics.registry(metrics.Metrics(broker, mailbox, factory, meter))
    site = http.MonitorSite(http.Pages(registry, console), reactor)
    return http.Monitor(endpoints.make("http", options["http"]), options["http"], site)


def makeService(options: Options, reactor: Any = None) -> IService:
    """Make every object of the server, and hand it to those that need it.

    @param reactor: a test's own; None for twistd's, see L{wait_steadily}.
    """
    reactor = reactor or _steady_reactor()
    selftest.run()
    twistd: Mapping[str, Any] = options.parent or {}
    signals = ProcessSignals(reactor)
    on_rotate = partial(signals.on, SIGUSR1)
    log = ApplicationLog(twistd, options["log-level"], options["log-format"], on_rotate, reactor)
    reloader = Reloader(options)
    sockets = UnixSockets(reactor, owner(twistd))
    endpoints = Endpoints(reactor, sockets, options, reloader)
    meter = Meter(time.perf_counter)
    told: IMeter = meter if options["http"] else NO_METER
    render = wire.say_nothing if options["plain"] else wire.render_notice
    limits = Limits.of(options)
    mailbox = _mailbox(options, reactor, told)
    gate = _gate(options, reactor)
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
        expects=_expected(options, reactor, gate),
        anyone_makes_rooms=_anyone_makes_rooms(options),
    )

    def terms(options: Mapping[str, Any]) -> Terms:
        return Terms(
            options["max-line"], options["recipients"], options["login-timeout"], render, gate
        )

    factory = ChatFactory(
        broker,
        reactor,
        terms(options),
        Admission(reactor, limits),
        told,
    )
    descriptors = Descriptors(reactor, have_many(_DESCRIPTORS))
    listeners = [
        Listener(
            endpoints.make("listen", description),
            description,
            factory,
            lambda port: ports.prepare(port, poller, descriptors),
            is_guarded=_is_guarded(options),
            is_encrypted=is_encrypted(description),
        )
        for description in options.endpoints()
    ]
    console = Console(
        broker,
        mailbox,
        factory,
        phase=lambda: service.phase.value,
        reload=lambda: service.reload(),
    )
    notifier = systemd.from_environment(os.environ, console.status, reactor)
    attendants: list[Service] = [gate]
    if options["admin"]:
        operators = AdminFactory(console, reactor, sockets)
        attendants.append(AdminServer(options["admin"], operators))
    if options["http"]:
        watched = (broker, mailbox, factory, console, meter)
        attendants.append(_monitor(options, endpoints, *watched, reactor))
    service = ChatService(
        listeners,
        factory,
        broker,
        mailbox,
        clock=reactor,
        signals=signals,
        notifier=notifier,
        reloader=reloader,
        grace=options["grace"],
        attendants=attendants,
        on_parent=log.keep_for,
    )
    reloader.add(
        gate,
        Put(Limits.of, limits.become),
        *(Put(_is_guarded, listener.guard) for listener in listeners),
        Put(itemgetter("log-level"), log.set_level),
        Put(itemgetter("grace"), service.set_grace),
        Put(terms, factory.expect),
        Put(_mail_limits, mailbox.limit),
        Put(itemgetter("duplicate"), broker.set_duplicate),
        Put(itemgetter("outbox-limit"), broker.set_outbox_limit),
        Put(_anyone_makes_rooms, broker.room_commands.let_anyone_make),
    )
    return service
