"""The site where the images were acquired: optional for most models, required by models that harmonise sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from HabitatRadiomicsLib.panel.model_card import ModelCard
from HabitatRadiomicsLib.panel.signals import connect, quiet


class SiteField:
    """The selector of the site, filled with those of the model."""

    def __init__(self, ui: Any, on_change: Callable[[], None]) -> None:
        self._selector, self._label = ui.siteSelector, ui.siteLabel
        self._on_change = on_change
        self._needed = False
        connect(ui.siteSelector, "currentTextChanged(QString)", self._changed)

    @property
    def site(self) -> str:
        """The site chosen or typed; empty when none was given or the model does not use it."""
        return self._selector.currentText.strip() if not self._selector.isHidden() else ""

    @property
    def missing(self) -> bool:
        """Whether the model needs a site and none is given."""
        return self._needed and not self.site

    def show(self, card: ModelCard | None, site: str) -> None:
        """Offer the sites of a model and show one, without calling ``on_change``.

        A model that harmonises can score cases of its sites only. Any other may be typed where the model just warns of
        sites that it has not seen.
        """
        sites = () if card is None else card.sites
        self._needed = card is not None and card.needs_site
        with quiet(self._selector):
            self._selector.clear()
            self._selector.setEditable(not self._needed)
            self._selector.addItem("")
            self._selector.addItems(list(sites))
            self._selector.setCurrentIndex(max(0, self._selector.findText(site)))
            if not self._needed:
                self._selector.setEditText(site)
        for widget in (self._selector, self._label):
            widget.visible = bool(sites)

    def _changed(self, text: str) -> None:
        self._on_change()
