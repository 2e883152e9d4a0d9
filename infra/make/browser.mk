# The approval page in a real browser, served by `sesame serve`.
.PHONY: browser chromium

BROWSER_VENV := $(SESAME_CACHE)/venv-browser-$(shell sha256sum tests/browser/requirements.txt | cut -c1-12)
$(BROWSER_VENV)/ready: tests/browser/requirements.txt
	@echo "== python environment of $<"
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Installed only where there is none; as root, or by sudo.
chromium:
	@command -v chromium >/dev/null || { \
		echo "== chromium"; as=$$([ "$$(id -u)" = 0 ] || echo sudo); export DEBIAN_FRONTEND=noninteractive; \
		$$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; }

browser: $(BROWSER_VENV)/ready chromium ## the approval page in headless Chromium: keyboard, screen reader, dark mode, 360 px, from link to Applied
	@echo "== the page in a browser"
	$(CARGO) build --locked --quiet -p sesame
	SESAME="$${CARGO_TARGET_DIR:-target}/debug/sesame" $(BROWSER_VENV)/bin/python -m pytest --quiet -p no:cacheprovider tests/browser

test: browser
