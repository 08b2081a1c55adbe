"""Where copies wait for names that are away or behind; each module is one L{IMailbox}."""
