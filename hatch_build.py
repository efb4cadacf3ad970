"""What a wheel holds beside the package: lessons, exercises and solutions.

An editable install has them in the checkout already. Copied into the environment as well, they
would lie where every submission can read its libraries.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("lessons", "exercises", "solutions")


class ContentHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the content into wheels that are to be installed, and into no editable one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for room in ROOMS:
                build_data["force_include"][room] = f"autograder/_content/{room}"
