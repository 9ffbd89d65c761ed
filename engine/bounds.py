"""All bounds on input: from backends, from LiteLLM, from files, from options. Pure.

Input beyond a bound is refused or left out, with a message that names the subject, what happened
and what to do. Nothing is registered or deleted because of it. The values keep a cycle below
256 MiB, whatever the input; ``k8s/base/deployment.yaml`` has the limit of the container.
``tests/hostile/test_bounds.py`` names the test for each bound.
"""

from __future__ import annotations

from typing import Final

CONNECT_TIMEOUT: Final = 3.0
"""Seconds until a server that does not accept the connection counts as unreachable."""
MAX_REDIRECTS: Final = 3
"""Redirects that are followed for one request, only to the same server."""
MAX_BODY: Final = 10 * 2**20
"""Bytes of one answer after decompression, and of all GET answers together that one reading of a
backend needs. The longest known list, OpenRouter's, has about 1 MB. The text of an answer may take
no more memory either: a single emoji makes Python store every character in four bytes."""
MAX_VALUES: Final = 150_000
"""Maps, lists and their members in one answer, and in all answers of one reading. They are counted
before the JSON is parsed: ``[{},{},...]`` takes 30 times its own size in memory. OpenRouter's 500
models have 20,000."""
MAX_DEPTH: Final = 100
"""Nested maps and lists in an answer, in a row of LiteLLM's listing, and in a path in the mark of
a row. Real ones have about five levels, OpenAPI descriptions fifteen."""
MAX_INTEGER: Final = 19
"""Characters of an integer: 64 bits. A longer one is read as a float or as text."""
MAX_EXAMINED: Final = 64 * 2**10
"""Bytes of an error's body that are searched for its message."""
MAX_EXCERPT: Final = 300
"""Characters that a message quotes from a text that came from outside."""
VALUE_COST: Final = 200
"""Bytes of memory that one value of an answer takes at most (measured: 30 to 220)."""
FREE_MEMORY: Final = 2 * 2**20
"""Bytes of memory that each reading of a backend may always take, so that no backend fails because
of the answers of others. A list of 500 models takes about half of it."""
MAX_MEMORY: Final = 96 * 2**20
"""Bytes of memory that all readings together may take beyond FREE_MEMORY each."""
MAX_MODELS: Final = 5_000
"""Models in the list of one backend; OpenRouter has about 500."""
MAX_ALL_MODELS: Final = 10_000
"""Models in the lists of all backends together; a plan that creates them all takes 110 MiB."""
MAX_ID: Final = 1_024
"""Characters of a model id, and of a family or parent. Ids that are file paths have 200."""
MAX_ALIASES: Final = 100
"""Other ids of one model that are read from its entry in a list."""
MAX_PAGES: Final = 50
"""Pages of a list that are read; a longer list counts as partial."""
MAX_SHOWN: Final = 200
"""Models of one Ollama for which details are requested in a cycle, one request each."""
MAX_TOKENS: Final = 2**40
"""The largest limit in tokens that is accepted from a backend; a larger one counts as unknown."""
MAX_SLOTS: Final = 10_000
"""The most parallel requests that a backend may report; more count as unknown."""
MAX_LISTING: Final = 256 * 2**20
"""Bytes of LiteLLM's listing after decompression. It is read row by row and never held in memory as
a whole. 10,000 rows of real size (7.5 KB, 200 keys, three in four of them null) have 75 MB."""
MAX_ROW: Final = 2**20
"""Characters of one row of the listing, or of any other member of that answer. Of a larger row only
its name, id and address are read."""
MAX_SKIMMED: Final = 8 * 2**20
"""Characters of such a row that are passed over to find these, and the end of the row."""
MAX_ROWS: Final = 15_000
"""Rows of the listing. A cycle takes 200 to 240 MiB with this many rows, all of them ours, and with
MAX_ALL_MODELS models in lists of the maximal size."""
MAX_ROWS_MEMORY: Final = 48 * 2**20
"""Bytes of memory that the rows take after their nulls are removed; a real row takes 3 KB."""
MAX_MARKED: Final = 1_000
"""Fields, and secrets, that are read from the mark of a row; ours have about twenty."""
MAX_DECLARED: Final = 64 * 2**10
"""Characters of what is declared for a model, with its field names in the mark, as ASCII JSON: one
character may take twelve. Real configurations declare about 2,000 characters; the longest chat
template has 20,000. LiteLLM adds 10,000, repeats the model's name, and adds prices and fields that
others set; the sum stays far below MAX_ROW. A row of ours above MAX_ROW could not be read back, and
then no row could be changed any more."""
MAX_FIELDS: Final = 900
"""Fields, and secrets, that may be declared for a model. The engine and the backend add fewer than
100: the sum is at most MAX_MARKED, so the mark of a row of ours can always be read completely."""
MAX_CONFIG: Final = 2**20
"""Bytes of the configuration file, and characters after its aliases are expanded."""
MAX_CONFIG_VALUES: Final = 100_000
"""Values (maps, lists, scalars and keys) of the configuration after its aliases are expanded."""
MAX_CONFIG_DEPTH: Final = 50
"""Nested maps and lists in the configuration, and nested merges."""
MAX_SETTING: Final = 4_096
"""Characters of a setting with its environment variables, each of which may hold 128 KiB."""
MAX_DIGITS: Final = 70
"""Characters of an integer in the configuration: enough for 64 bits in any base."""
MAX_KEY_FILE: Final = 64 * 2**10
"""Bytes of a key file."""
MAX_PLAN: Final = 64 * 2**20
"""Bytes of a saved plan. An update of a row of usual size takes 6 KB, a create 2 KB."""
MAX_PATTERN: Final = 10_000
"""Characters of a regular expression."""
MAX_PATTERN_MEMORY: Final = 8 * 2**20
"""Bytes of memory that RE2 may use for one expression (its default); its time is always linear."""
MAX_SEARCHES: Final = 100_000
"""Ids of one backend that are searched for expressions which match none of them; about a second."""
MAX_UNMATCHED: Final = 20
"""Expressions of one backend that match no model and are named."""
MAX_TIMEOUT: Final = 86_400.0
"""Seconds of a timeout: one day."""
MAX_PERIOD: Final = 31_536_000.0
"""Seconds of a suspicion period: one year."""
MAX_INTERVAL: Final = 86_400.0
"""Seconds between two cycles: one day. The system's clock cannot wait for 10^23 seconds."""
MAX_WAITING: Final = 100
"""Notifications that wait for a webhook; the oldest is dropped for a new one. Each has at most some
hundred pieces of news of 3 KB."""
MAX_NAME: Final = 255
"""Characters of a public model name; longer ones are cut off."""
MAX_RENAMED: Final = 4_096
"""Characters of an upstream before and after each rule of ``regex_rename``, and of the replacement
text: a few rules that each double a text would fill any memory. Model ids have at most MAX_ID."""
MAX_QUOTED: Final = 60
"""Characters of a value, or of a key, that a message about a document quotes."""
MAX_REASON: Final = 80
"""Characters of RE2's explanation, which contains the expression, that a message quotes."""
MAX_PROBLEMS: Final = 200
"""Problems of one document that a message lists."""
MAX_RECORDING: Final = 64 * 2**20
"""Bytes of the answers that a recording is made of, and of the files that a replay reads. LiteLLM's
listing of 6,000 rows has that much."""
MAX_VISITORS: Final = 16
"""Connections to the port of the loop that are served at once, with a thread each; others are
answered 503. Probes, a Prometheus and some open status pages are far fewer."""
MAX_VISIT: Final = 10.0
"""Seconds that one of them may take: a client that sends or reads slowly holds a thread."""
MAX_POSTED: Final = 64 * 2**10
"""Bytes of the body of a request to that port; it is read and ignored."""
MAX_PARAMETERS: Final = 20
"""Parameters in the address of a request to it; the page has five."""
