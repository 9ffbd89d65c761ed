"""Every bound on what comes in from outside: from backends, from LiteLLM, from files, from options.

Whatever is beyond a bound is refused or left out, with a message that names the subject, says what
happened and what to do; nothing is registered or deleted because of it. The sizes are chosen so
that a process stays below 256 MiB, the limit in ``k8s/deployment.yaml``, whatever comes in.
``tests/hostile/test_bounds.py`` names the test that hits each. Pure.
"""

from __future__ import annotations

from typing import Final

CONNECT_TIMEOUT: Final = 3.0
"""Seconds until a server that does not take the connection counts as unreachable."""
MAX_REDIRECTS: Final = 3
"""Redirects that are followed for one request, all to the same server."""
MAX_BODY: Final = 10 * 2**20
"""Bytes of an answer, unpacked, and of the GETs of one reading of a backend together. OpenRouter's
list, the longest known, has about 1 MB. As text it may take up no more either: one emoji makes
every character of it four bytes."""
MAX_VALUES: Final = 150_000
"""Maps, lists and members of an answer, and of one reading, counted before anything is made of
them: ``[{},{},...]`` takes up 30 times its own size. OpenRouter's 500 models have 20,000."""
MAX_DEPTH: Final = 100
"""Maps and lists inside one another, in an answer, in a row of LiteLLM's listing, and in a path
that the mark of a row names; real ones have about five, OpenAPI descriptions fifteen."""
MAX_INTEGER: Final = 19
"""Characters of a whole number: 64 bits. A longer one is read as a fraction, or as a text."""
MAX_EXAMINED: Final = 64 * 2**10
"""Bytes of an error's body that are looked at for what it says."""
MAX_EXCERPT: Final = 300
"""Characters of a foreign text that a message repeats."""
VALUE_COST: Final = 200
"""Bytes of memory that a value of an answer takes at most (measured: 30 to 220)."""
FREE_MEMORY: Final = 2 * 2**20
"""Bytes that every reading of a backend may take in any case, so that no backend suffers from what
others answer: a list of 500 models takes about half of it."""
MAX_MEMORY: Final = 96 * 2**20
"""Bytes that all readings at once may take beyond their free ones."""
MAX_MODELS: Final = 5_000
"""Models in the list of one backend; OpenRouter has about 500."""
MAX_ALL_MODELS: Final = 10_000
"""Models that all backends list together; a plan to create them all takes 110 MiB."""
MAX_ID: Final = 1_024
"""Characters of a model id, and of a family or parent. Ids that are paths of files have 200."""
MAX_PAGES: Final = 50
"""Pages of a list that are read; beyond them the list counts as partial."""
MAX_SHOWN: Final = 200
"""Models of Ollama that are asked about one by one in a cycle."""
MAX_TOKENS: Final = 2**40
"""A limit in tokens that a backend tells; larger ones are unknown."""
MAX_SLOTS: Final = 10_000
"""Requests that a backend says it works on at once; more are unknown."""
MAX_LISTING: Final = 256 * 2**20
"""Bytes of the listing, unpacked. It is read row by row and never held whole; 10,000 rows of real
size (7.5 KB, 200 keys, three in four of them null) have 75 MB."""
MAX_ROW: Final = 2**20
"""Characters of one row of it, or of any other member of the answer."""
MAX_ROWS: Final = 15_000
"""Rows of it. With as many rows, all of them ours, and as many models as there may be, in lists as
long as they may be, a cycle takes 200 to 240 MiB."""
MAX_ROWS_MEMORY: Final = 48 * 2**20
"""Bytes of memory that its rows take once their nulls are gone: 3 KB each, if they are real."""
MAX_MARKED: Final = 1_000
"""Fields, and secrets, that are read of the mark in a row; ours have some twenty."""
MAX_DECLARED: Final = 64 * 2**10
"""Characters of ASCII JSON, with the names that go into the mark; a character may take twelve. Real
configurations declare about 2,000, the longest chat template has 20,000. LiteLLM adds 10,000 and
repeats the model's name, prices and what others set come on top: all of it stays far below MAX_ROW.
A row of ours beyond that could not be read back, and no row could be changed any more."""
MAX_FIELDS: Final = 900
"""Fields, and secrets. With the engine's own and those that a backend tells, together under 100,
they are at most MAX_MARKED, so that the mark of a row of ours is always read whole."""
MAX_CONFIG: Final = 2**20
"""Bytes of the configuration; also of what its aliases expand to, in characters."""
MAX_CONFIG_VALUES: Final = 100_000
"""Values (maps, lists, scalars and keys) in it once its aliases are expanded."""
MAX_CONFIG_DEPTH: Final = 50
"""Maps and lists inside one another in it, and merges of merges."""
MAX_DIGITS: Final = 70
"""Characters of a whole number in it: no 64-bit integer is longer, in any base."""
MAX_KEY_FILE: Final = 64 * 2**10
"""Bytes of a key file."""
MAX_PATTERN: Final = 10_000
"""Characters of a regular expression."""
MAX_PATTERN_MEMORY: Final = 8 * 2**20
"""Bytes that RE2 may use for one (its own default); it takes linear time in any case."""
MAX_TIMEOUT: Final = 86_400.0
"""Seconds of a timeout: a day."""
MAX_PERIOD: Final = 31_536_000.0
"""Seconds for which absences can be suspicious: a year."""
MAX_INTERVAL: Final = 86_400.0
"""Seconds between two cycles: a day. No clock can wait for 10^23 seconds."""
MAX_NAME: Final = 255
"""Characters of a public model name; longer ones are cut."""
MAX_RENAMED: Final = 4_096
"""Characters of an upstream before and after each rule of ``regex_rename``, and of what it puts in:
a few rules that double a text would fill any memory. Model ids have at most MAX_ID."""
MAX_QUOTED: Final = 60
"""Characters of a value, or of a key, that a message about a document repeats."""
MAX_REASON: Final = 80
"""Characters of RE2's own explanation, which quotes the expression, that a message repeats."""
MAX_PROBLEMS: Final = 200
"""Things that are wrong with a document of which a message tells."""
