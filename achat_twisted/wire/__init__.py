"""The wire protocol: lines, names, notices, and other protocols known by their first words.

It imports nothing of achat. It never touches a socket, a clock or a file: bytes in, values out.
"""

from achat_twisted.wire.lines import (
    MAX_LINE as MAX_LINE,
    MAX_RECIPIENTS as MAX_RECIPIENTS,
    Command as Command,
    Login as Login,
    Message as Message,
    Post as Post,
    count_messages as count_messages,
    decode_block as decode_block,
    decode_line as decode_line,
    is_message as is_message,
    parse_alone as parse_alone,
    parse_line as parse_line,
    parse_login as parse_login,
    parse_run as parse_run,
    parse_server_line as parse_server_line,
    parse_several as parse_several,
    render_post as render_post,
)
from achat_twisted.wire.names import check_name as check_name
from achat_twisted.wire.notices import (
    BadLine as BadLine,
    Foreign as Foreign,
    NoCommand as NoCommand,
    Notice as Notice,
    Refused as Refused,
    TooLong as TooLong,
    WireError as WireError,
    bad_name as bad_name,
    busy as busy,
    bye as bye,
    denied as denied,
    kicked as kicked,
    mail as mail,
    name_taken as name_taken,
    outcome as outcome,
    pong as pong,
    render_notice as render_notice,
    replaced as replaced,
    say_nothing as say_nothing,
    slow_down as slow_down,
    stats as stats,
    synced as synced,
    usage as usage,
    welcome as welcome,
    who as who,
)
