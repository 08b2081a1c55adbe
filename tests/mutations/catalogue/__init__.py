"""All mutations, by the rooms whose promise they break."""

from __future__ import annotations

from tests.mutations.catalogue.auth import AUTH
from tests.mutations.catalogue.clients import CLIENTS
from tests.mutations.catalogue.clocks import CLOCKS
from tests.mutations.catalogue.commands import COMMANDS
from tests.mutations.catalogue.configuration import CONFIGURATION
from tests.mutations.catalogue.connections import CONNECTIONS
from tests.mutations.catalogue.feeding import FEEDING
from tests.mutations.catalogue.files import FILES
from tests.mutations.catalogue.floods import FLOODS
from tests.mutations.catalogue.library import LIBRARY
from tests.mutations.catalogue.limits import LIMITS
from tests.mutations.catalogue.mailboxes import MAILBOXES
from tests.mutations.catalogue.mishaps import MISHAPS
from tests.mutations.catalogue.operators import OPERATORS
from tests.mutations.catalogue.resuming import RESUMING
from tests.mutations.catalogue.rooms import ROOMS
from tests.mutations.catalogue.sessions import SESSIONS
from tests.mutations.catalogue.surroundings import SURROUNDINGS
from tests.mutations.catalogue.turns import TURNS
from tests.mutations.catalogue.watching import WATCHING
from tests.mutations.catalogue.writers import WRITERS

MUTATIONS = (
    *(*SESSIONS, *FEEDING, *TURNS, *WRITERS, *CONNECTIONS, *MAILBOXES, *FILES, *MISHAPS),
    *(*CLOCKS, *AUTH, *CONFIGURATION, *LIMITS, *OPERATORS, *WATCHING, *CLIENTS),
    *(*SURROUNDINGS, *RESUMING, *LIBRARY, *ROOMS, *FLOODS, *COMMANDS),
)
