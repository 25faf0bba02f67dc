# make run    the site at http://127.0.0.1:8000/ (PORT, DATA_DIR …: see the README)
# make test   every check and every test
# make bench SCENE="many-rooms --tabs 1000"   what the site bears: see docs/performance.md
# make faults   a long run of faults under load: see docs/reliability.md
# make messages LOCALE=de   what is to be translated into a language (which needs GNU gettext)
.PHONY: run bench faults messages test lint test-sqlite test-postgres test-browser
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

fits = import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$python" -c '$(fits)' 2>/dev/null && echo "$$python" && break; done)
python = .venv/bin/python

run: .venv/run
	@exec $(python) manage.py up

bench: .venv/test
	@$(python) -m bench $(or $(SCENE),one-room)

messages: .venv/run
	$(python) manage.py makemessages --locale $(LOCALE) --add-location file --ignore tests --ignore e2e --ignore var
	$(python) manage.py compilemessages --locale $(LOCALE)

# What the checks make the settings write does not belong into var/, where the site's data is.
test lint: export DATA_DIR = .venv/data
# To look at the code takes one core, and not for long.
test: .venv/test
	@$(MAKE) -j 2 lint test-sqlite
	@$(MAKE) test-postgres test-browser

lint: .venv/test
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy project rooms bench faults tests e2e
	$(python) manage.py makemigrations --check --dry-run
	HTTPS=on TRUSTED_PROXIES=1 ALLOWED_HOSTS=parlor.example SECRET_KEY=$$($(python) -c 'import secrets; print(secrets.token_hex(40))') \
		$(python) manage.py check --deploy --fail-level WARNING

test-sqlite: .venv/test
	$(python) -m pytest -n 2 --dist worksteal tests

test-postgres: .venv/test
	$(python) -m pytest -n 2 --dist worksteal tests --postgres

test-browser: .venv/test
	$(python) -m pytest -n 2 --dist worksteal e2e

# Half an hour, and the proof that it would notice.
faults: .venv/test
	$(python) -m faults --seeds 1-12 --seconds 45 --chromium 2
	$(python) -m faults --seeds 1-12 --seconds 45 --database postgres --processes 2
	$(python) -m faults.broken

.venv/bin/python:
	$(if $(shell "$(PYTHON)" -c '$(fits)' 2>&1 || echo no),$(error Parlor needs Python 3.11 or newer, \
		with its venv module (on Debian and Ubuntu: apt install python3-venv). \
		If it is there under another name, say make PYTHON=that-name))
	@$(PYTHON) -m venv --clear .venv

.venv/run: requirements.txt .venv/bin/python
	@echo "Installing what Parlor needs into .venv (once) …"
	@$(python) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/test: requirements-dev.txt requirements-production.txt requirements-s3.txt requirements-sentry.txt .venv/run
	@echo "Installing what the tests need into .venv (once) …"
	@$(python) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
