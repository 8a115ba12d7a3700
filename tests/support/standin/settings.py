"""What one workspace of the stand-in is called and who may use it."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Names and secrets of a workspace; the secrets are made for each start."""

    root: Path
    host: str
    catalog: str
    token_lifetime: int
    user: str = "nightly@example.com"
    workspace_id: str = "1234567890123456"
    token: str = field(default_factory=lambda: f"dapi{secrets.token_hex(16)}")
    client_id: str = field(default_factory=lambda: f"standin-{secrets.token_hex(8)}")
    client_secret: str = field(default_factory=lambda: f"dose{secrets.token_hex(16)}")
    control_token: str = field(default_factory=lambda: secrets.token_hex(16))
