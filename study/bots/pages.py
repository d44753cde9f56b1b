"""What a bot makes of a page: where it is, and the form on it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

NOT_SENT = ("submit", "button", "reset", "image", "file")


@dataclass
class Field:
    name: str
    type: str
    value: str
    choices: list[str] = field(default_factory=list)
    """Of radio buttons and lists."""


@dataclass
class Form:
    action: str = ""
    fields: list[Field] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    """Name and value; most have no name."""

    def fill(self, words: str, chosen: list[int]) -> dict[str, str]:
        """With every box ticked and the first button pressed; of each row of choices the one asked for."""
        picks = iter(chosen)
        data = {one.name: one.value or words for one in self.fields if not one.choices}
        for one in self.fields:
            if one.choices:
                data[one.name] = one.choices[next(picks)]
        return data | {name: value for name, value in self.buttons[:1] if name}


@dataclass(frozen=True)
class Page:
    """A page's name is its address' name: start, consent, ..., trial, feedback, thanks."""

    address: str
    status: int
    text: str

    @property
    def name(self) -> str:
        parts = urlsplit(self.address).path.strip("/").split("/")
        return parts[2] if len(parts) > 2 else "start"

    @property
    def form(self) -> Form | None:
        """The form of the page's own matter: the first that is sent by POST."""
        reader = _Reader()
        reader.feed(self.text)
        return reader.forms[0] if reader.forms else None


class _Reader(HTMLParser):
    """Forms that are sent by POST, with what a browser would send of them."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.inside = self.listed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = told.get("method", "").lower() == "post"
            if self.inside:
                self.forms.append(Form(action=told.get("action", "")))
        elif self.inside:
            self._take(tag, told)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False

    def _take(self, tag: str, told: dict[str, str]) -> None:
        form, name, type_ = self.forms[-1], told.get("name", ""), told.get("type", "text")
        if tag == "button" and told.get("type", "submit") == "submit":
            form.buttons.append((name, told.get("value", "")))
        elif tag == "option" and form.fields and form.fields[-1].type == "select":
            form.fields[-1].choices.append(told.get("value", ""))
        elif tag in ("select", "textarea") and name:
            form.fields.append(Field(name, tag, ""))
        elif tag == "input" and name and type_ not in NOT_SENT:
            self._take_input(form, name, type_, told.get("value", ""))

    def _take_input(self, form: Form, name: str, type_: str, value: str) -> None:
        if type_ == "radio":
            known = next((one for one in form.fields if one.name == name), None)
            if known is None:
                form.fields.append(known := Field(name, type_, ""))
            known.choices.append(value)
        else:
            form.fields.append(Field(name, type_, value or ("on" if type_ == "checkbox" else "")))
