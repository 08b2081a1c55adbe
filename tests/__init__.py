"""The tests of achat: a module a room, and functional ones over real sockets."""
