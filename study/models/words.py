"""Random words: pseudonyms, secrets and codes."""

import secrets

UNAMBIGUOUS = "23456789abcdefghjkmnpqrstuvwxyz"


def random_word(length: int) -> str:
    """Letters and digits that nobody confuses when reading them aloud."""
    return "".join(secrets.choice(UNAMBIGUOUS) for _ in range(length))


def new_slug() -> str:
    return random_word(10)


def new_seed() -> int:
    return secrets.randbelow(2**31)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def new_code() -> str:
    return random_word(17)


def new_completion_code() -> str:
    return random_word(10).upper()
