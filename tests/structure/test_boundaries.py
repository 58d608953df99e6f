"""The import contracts cover every app: one that they miss would be free to import anything."""

import tomllib

from django.apps import apps

from tests.requirements import REPOSITORY

# Installed only for Django's sake, or the one place that may know everything.
PROJECT = "ecommerce"


def _contracts() -> dict[str, object]:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        linter: dict[str, object] = tomllib.load(file)["tool"]["importlinter"]
    return linter


def _own_apps() -> set[str]:
    return {
        config.name
        for config in apps.get_app_configs()
        if str(config.path).startswith(str(REPOSITORY)) and ".venv" not in str(config.path)
    }


def test_every_app_is_in_the_layers() -> None:
    linter = _contracts()
    layers = next(contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")  # type: ignore[attr-defined]  # TOML

    named = {app.strip() for layer in layers for app in layer.split("|")}

    assert named == _own_apps()
    assert set(linter["root_packages"]) == _own_apps()  # type: ignore[call-overload]  # TOML


def test_models_and_services_of_every_app_are_private() -> None:
    linter = _contracts()

    protected = {
        module
        for contract in linter["contracts"]  # type: ignore[attr-defined]  # TOML
        if contract["type"] == "protected"
        for module in contract["protected_modules"]
    }

    expected = {
        f"{app}.{path.stem}"
        for app in _own_apps() - {"core", PROJECT}
        for path in (REPOSITORY / app).glob("*.py")
        if path.stem.endswith(("models", "services"))
    }
    assert {"search.models", "search.log_models"} < expected
    assert protected == expected


def test_every_local_package_is_an_installed_app() -> None:
    packages = {path.parent.name for path in REPOSITORY.glob("*/apps.py")}

    assert packages == _own_apps()
