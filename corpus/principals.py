"""Who may read, as strings that documents and askers are compared by."""

from __future__ import annotations

LOCAL_USER = "local"
"""Who asks on a machine of their own."""
LOCAL_TENANT = "home"
"""The building that they are in; where people sign in, the one whose administrators look after all buildings."""


def user_principal(user_id: str) -> str:
    """The principal that is one person."""
    return f"user:{user_id}"


def unit_principal(unit_id: str) -> str:
    """The principal that is everyone of a unit, its guests too."""
    return f"unit:{unit_id}"


def role_principal(role: str) -> str:
    """The principal that is everyone who has a role in a building."""
    return f"role:{role}"


def tenant_principal(tenant_id: str) -> str:
    """The principal that is everyone in a building."""
    return f"tenant:{tenant_id}"
