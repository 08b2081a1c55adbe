"""The load tool behind C{achat bench}: what a server does under load, and what that costs it."""
