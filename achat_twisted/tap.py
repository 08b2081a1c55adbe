"""C{twistd achat}: the one place where every object is made."""

from __future__ import annotations

import os
import pwd
import select
import time
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from achat_twisted import wire
from achat_twisted.broker.broker import Broker
from achat_twisted.broker.newcomers import Reunion
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.login.passwords import AT_ONCE
from achat_twisted.login.service import Doorkeeper
from achat_twisted.mailbox.accounts import MailLimits
from achat_twisted.mailbox.committer import Committer
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.mail_clock import MailClock
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.mailbox.sqlite import SqliteMailbox
from achat_twisted.net import link, selftest, tls, transport
from achat_twisted.net.descriptors import Descriptors, have_many, lowest_free
from achat_twisted.net.listener import Listener
from achat_twisted.net.poller import Poller
from achat_twisted.net.proxy import ProxyEndpoint
from achat_twisted.net.unix_sockets import NOBODY, UnixSockets
from achat_twisted.operator.admin import AdminServer
from achat_twisted.operator.housekeeping import Housekeeper
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.lines import Manners
from achat_twisted.server import systemd
from achat_twisted.server.log import Logbook
from achat_twisted.server.options import DAY, MEMORY, Options
from achat_twisted.server.reload import Put, Reloader
from achat_twisted.server.service import ChatService
from achat_twisted.server.signals import ProcessSignals
from achat_twisted.tools.clock import wait_steadily
from achat_twisted.tools.errors import CannotStart
from achat_twisted.tools.interfaces import IMeter
from achat_twisted.tools.meter import NO_METER, Meter
from achat_twisted.tools.threads import ThreadWorker

__all__ = ["Options", "makeService"]

_DESCRIPTORS = 2**20
"""As many as the server allows itself, if it may: enough for any C{--connections}."""


_PROXY = "haproxy:"
"""How an endpoint begins whose connections a proxy brings."""


def _owner(twistd: Mapping[str, Any]) -> tuple[int, int]:
    """The user and the group that twistd's own options have the server become.

    They are to own its unix sockets, which are made before that.
    """
    uid, gid = (twistd.get(key) for key in ("uid", "gid"))
    if uid is not None and gid is None:
        gid = pwd.getpwuid(uid).pw_gid
    return (NOBODY[0] if uid is None else uid, NOBODY[1] if gid is None else gid)


def _endpoint(
    reactor: Any,
    sockets: UnixSockets,
    options: Options,
    reloader: Reloader,
    option: str,
    description: str,
) -> IStreamServerEndpoint:
    endpoint: IStreamServerEndpoint
    try:
        inner = description.removeprefix(_PROXY)
        if inner.startswith("stdio"):
            raise ValueError("it is not a socket that clients can connect to")
        if tls.is_tls(inner):
            endpoint, certificates = tls.listening(reactor, inner)
            reloader.add(certificates)
        else:
            maker = sockets if inner.startswith("unix:") else reactor
            endpoint = serverFromString(maker, inner)
        return endpoint if inner == description else ProxyEndpoint(endpoint)
    except TypeError:
        why = r"an argument is missing, unknown or doubled; a colon inside of one is written \:"
    except IndexError:
        why = "systemd has not handed over so many sockets"
    except (ValueError, KeyError, AttributeError, OSError) as error:
        why = str(error).replace("invalid literal for int() with base 10:", "no number:")
    raise SystemExit(f"achat: {options.named(option)} {description!r} is no endpoint: {why}")


def _is_guarded(options: Mapping[str, Any]) -> bool:
    return bool(options["auth"])


def _mail_limits(options: Mapping[str, Any]) -> MailLimits:
    return MailLimits(
        per_name=options["mailbox-limit"],
        total=options["mailbox-total"],
        age=options["keep"] * DAY,
    )


def _make_mailbox(options: Options, reactor: Any, meter: IMeter) -> IMailbox:
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
    return twistds


def makeService(options: Options, reactor: Any = None) -> IService:
    """Every object of the server, made and handed to those who need it.

    @param reactor: a test's own; without it twistd's, see L{wait_steadily}.
    """
    if reactor is None:
        reactor = _steady_reactor()
    selftest.run()
    signals = ProcessSignals(reactor)
    logbook = Logbook(
        options.parent or {},
        options["log-level"],
        options["log-format"],
        signals.on_rotate,
        reactor,
    )
    sockets = UnixSockets(reactor, _owner(options.parent or {}))
    reloader = Reloader(
        options, on_begin=lambda: notifier.reloading(), on_end=lambda: notifier.ready()
    )
    render = wire.say_nothing if options["plain"] else wire.render_notice
    limits = Limits.of(options)
    meter = Meter(time.perf_counter)
    told: IMeter = meter if options["http"] else NO_METER
    mailbox = _make_mailbox(options, reactor, told)
    doorkeeper = Doorkeeper(reactor, ThreadWorker(reactor, AT_ONCE, "auth"))
    try:
        doorkeeper.reload(options)()
    except CannotStart as error:
        sentence = str(error).removeprefix("achat: ")
        raise CannotStart(f"achat: {options.blame(sentence)}") from None
    remembers_names = options["mailbox"] != MEMORY
    expects = doorkeeper.knows if remembers_names else Reunion(reactor, doorkeeper).expects
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
        expects=expects,
    )

    def manners(options: Mapping[str, Any]) -> Manners:
        return Manners(
            options["max-line"],
            options["recipients"],
            options["login-timeout"],
            render,
            doorkeeper,
        )

    factory = ChatFactory(
        broker,
        reactor,
        manners(options),
        make_link=lambda socket: link.over(socket, reactor),
        admission=Admission(reactor, limits),
        meter=told,
    )
    descriptors = Descriptors(reactor, have_many(_DESCRIPTORS), free=lowest_free)

    def prepare(port: Any) -> None:
        transport.prepare(port, poller, descriptors)

    listeners = [
        Listener(
            _endpoint(reactor, sockets, options, reloader, "listen", description),
            description,
            factory,
            prepare,
            is_guarded=_is_guarded(options),
            is_encrypted=tls.is_tls(description.removeprefix(_PROXY)),
        )
        for description in options.endpoints()
    ]
    housekeeper = Housekeeper(
        broker,
        mailbox,
        connections=lambda: factory.connections,
        phase=lambda: service.phase.value,
    )
    notifier = systemd.from_environment(os.environ, housekeeper.status, reactor)
    attendants: list[Service] = [doorkeeper]
    if options["admin"]:
        attendants.append(AdminServer(options["admin"], housekeeper, reactor, sockets))
    if options["http"]:
        # Not imported above, as it takes 4 MB, which only those need who are watched.
        from achat_twisted.operator import http as monitor
        from achat_twisted.operator import metrics

        registry = metrics.registry(metrics.Metrics(broker, mailbox, factory, meter))
        pages = monitor.pages(registry, housekeeper.state)
        endpoint = _endpoint(reactor, sockets, options, reloader, "http", options["http"])
        lobby = monitor.Lobby(pages, reactor)
        attendants.append(monitor.Monitor(endpoint, options["http"], lobby))
    service = ChatService(
        listeners,
        factory,
        broker,
        mailbox,
        clock=reactor,
        signals=signals,
        notifier=notifier,
        reload=reloader.reload,
        grace=options["grace"],
        attendants=attendants,
        on_parent=logbook.keep_for,
    )
    reloader.add(
        limits,
        *("connections", "connections-per-host", "logins-per-host", "rate", "burst"),
        *("outbox-total", "limit-local"),
    )
    reloader.add(doorkeeper, "auth")
    for listener in listeners:
        reloader.add(Put(_is_guarded, listener.guard))
    reloader.add(Put(itemgetter("log-level"), logbook.set_level), "log-level")
    reloader.add(Put(itemgetter("grace"), service.set_grace), "grace")
    reloader.add(Put(manners, factory.expect), "max-line", "recipients", "login-timeout")
    reloader.add(Put(_mail_limits, mailbox.limit), "mailbox-limit", "mailbox-total", "keep")
    reloader.add(
        Put(itemgetter("duplicate", "outbox-limit"), lambda terms: broker.set_terms(*terms)),
        *("duplicate", "outbox-limit"),
    )
    return service
