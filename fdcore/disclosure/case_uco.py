"""A case in CASE/UCO, the ontology in which forensic tools exchange cases, as JSON-LD (CASE 1.5, caseontology.org).

Every entry of the log is an investigative action by a person with fdcore; its result is a provenance record of the
entry and of the files that it binds. The same case gives the same identifiers.
"""

import uuid
from typing import Any

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.records import CaseFacts
from fdcore.records import names_only
from fdcore.report.audit import details_in_words

Node = dict[str, Any]

_PARTS = ("action", "core", "identity", "observable", "tool", "types")
_CONTEXT = {
    "kb": "urn:fdcore:kb:",
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    **{f"uco-{part}": f"https://ontology.unifiedcyberontology.org/uco/{part}/" for part in _PARTS},
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_NOT_RECORDED = "not recorded"


def case_as_jsonld(case: Case) -> Node:
    """The suspect's file, the corpus, and everything that was done: by whom, when, with which result.

    Raises:
        CaseError: the log was changed.
    """
    facts, entries = case.facts(), list(case.audit())
    graph = _Graph(entries[0]["hash"])
    about = [*graph.suspect(facts), *graph.corpus(facts, entries)]
    tool = graph.add("uco-tool:Tool", "fdcore", {"uco-core:name": "fdcore", "uco-tool:version": facts.fdcore})
    done = [one for entry in entries for one in graph.action(entry, facts.examiner, tool, about)]
    title = {"uco-core:name": facts.title or case.folder.resolve().name}
    graph.add("case-investigation:Investigation", "case", title | {"uco-core:object": [*about, *done]})
    return {"@context": _CONTEXT, "@graph": list(graph.nodes.values())}


class _Graph:
    """The nodes by their identifiers, which follow from the hash of the log's first entry."""

    def __init__(self, first: str) -> None:
        self.nodes: dict[str, Node] = {}
        self._space = uuid.uuid5(uuid.NAMESPACE_OID, first)

    def add(self, kind: str, key: str, content: Node) -> Node:
        """Add a node, unless it is there, and return a reference to it."""
        own = f"kb:{kind.partition(':')[2]}-{uuid.uuid5(self._space, f'{kind} {key}')}"
        self.nodes.setdefault(own, {"@id": own, "@type": kind} | content)
        return {"@id": own}

    def suspect(self, facts: CaseFacts) -> list[Node]:
        """The suspect's file under its original name, as an exhibit; nothing where there is none."""
        known = facts.evidence
        if known is None:
            return []
        file = self.file(known.name, known.sha256, known.size)
        exhibit = {"case-investigation:exhibitNumber": facts.exhibit} if facts.exhibit else {}
        named = {"uco-core:name": "the suspect's file", "uco-core:description": facts.description or _NOT_RECORDED}
        return [file, self.add("case-investigation:ProvenanceRecord", "suspect", exhibit | named | _objects([file]))]

    def corpus(self, facts: CaseFacts, entries: list[Node]) -> list[Node]:
        """The list of the pictures with their hashes, as the log binds it last; nothing where there is none."""
        bound = [entry["files"][layout.CORPUS] for entry in entries if entry.get("files", {}).get(layout.CORPUS)]
        if facts.corpus is None or not bound:
            return []
        file = self.file(layout.CORPUS, bound[-1])
        sources = ", ".join(facts.corpus.sources)
        words = f"{facts.corpus.n_images} pictures of {facts.corpus.n_leaves} leaves, from {sources}"
        named = {"uco-core:name": "the pictures that the suspect was queried with", "uco-core:description": words}
        return [file, self.add("case-investigation:ProvenanceRecord", "corpus", named | _objects([file]))]

    def action(self, entry: Node, examiner: str, tool: Node, about: list[Node]) -> tuple[Node, Node]:
        """What an entry of the log says was done, and the record of its result."""
        number, details = entry["n"], entry["details"]
        who = str(details.get("by") or examiner or _NOT_RECORDED)
        line = self.hashed("ObservableObject", f"entry {number} of {layout.AUDIT}", entry["hash"], ())
        files = [self.file(name, sha256) for name, sha256 in entry.get("files", {}).items() if sha256]
        named = {"uco-core:name": f"result of entry {number}"}
        record = self.add("case-investigation:ProvenanceRecord", str(number), named | _objects([line, *files]))
        action = {
            "uco-core:name": entry["event"],
            "uco-core:description": details_in_words(names_only(details)) or "without details",
            "uco-action:startTime": {"@type": "xsd:dateTime", "@value": entry["time"]},
            "uco-action:performer": self.add("uco-identity:Person", who, {"uco-core:name": who}),
            "uco-action:instrument": tool,
            "uco-action:object": about,
            "uco-action:result": record,
        }
        return self.add("case-investigation:InvestigativeAction", str(number), action), record

    def file(self, name: str, sha256: str, size: int | None = None) -> Node:
        """A file of a certain content."""
        facts: Node = {"uco-observable:fileName": name.rpartition("/")[2], "uco-observable:filePath": name}
        facts |= {} if size is None else {"uco-observable:sizeInBytes": size}
        facet = self.add("uco-observable:FileFacet", f"{name} {sha256}", facts)
        return self.hashed("File", name, sha256, (facet,))

    def hashed(self, kind: str, name: str, sha256: str, facets: tuple[Node, ...]) -> Node:
        """Something with a SHA-256."""
        value = {"@type": "xsd:hexBinary", "@value": sha256}
        key = f"{name} {sha256}"
        own = self.add("uco-types:Hash", key, {"uco-types:hashMethod": "SHA256", "uco-types:hashValue": value})
        content = self.add("uco-observable:ContentDataFacet", key, {"uco-observable:hash": own})
        node = {"uco-core:name": name, "uco-core:hasFacet": [*facets, content]}
        return self.add(f"uco-observable:{kind}", key, node)


def _objects(nodes: list[Node]) -> Node:
    return {"uco-core:object": nodes}
