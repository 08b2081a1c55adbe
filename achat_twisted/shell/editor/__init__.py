"""The chat on a terminal: a line editor below, what comes in above.

Only L{screen}, L{completion} and L{history} import prompt_toolkit; the others are about texts.
"""
