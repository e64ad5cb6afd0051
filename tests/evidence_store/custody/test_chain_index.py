"""The index finds what reading the whole file would find, whatever happens to the file."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_store.custody.chain import CustodyChain, readable_entries
from evidence_store.keys.signing_keys import new_signer

IDS = ("", "evd-00000000000000aa", "evd-00000000000000bb")


def by_reading(chain: CustodyChain, evidence_id: str) -> list[dict[str, object]]:
    entries = readable_entries(chain.lines())
    return [entry for entry in entries if entry["evidence_id"] == evidence_id]


def assert_found(chain: CustodyChain) -> None:
    for evidence_id in IDS:
        assert chain.about(evidence_id) == by_reading(chain, evidence_id)


@settings(max_examples=30)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["append", "replace", "cut", "same size"]), st.sampled_from(IDS)),
        max_size=12,
    )
)
def test_it_follows_the_file(tmp_path_factory: object, steps: list[tuple[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("chain")  # type: ignore[attr-defined]
    chain = CustodyChain(folder / "custody.jsonl", new_signer())
    for what, evidence_id in steps:
        content = chain.path.read_bytes() if chain.path.exists() else b""
        if what == "append":
            # words that look like members of an entry
            tricky = {"evidence_id": IDS[1], "said": '"evidence_id":"x"'}
            chain.append("viewed", evidence_id, tricky)
        elif what == "cut" and content:
            chain.path.write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
        elif what == "replace" and content:
            (folder / "new").write_bytes(b"".join(content.splitlines(keepends=True)[:1]))
            (folder / "new").replace(chain.path)
        elif what == "same size" and content:
            chain.path.write_bytes(content.replace(b"aa", b"bb"))
        assert_found(chain)


def test_another_process_of_the_same_file_is_followed(tmp_path: Path) -> None:
    one, other = (CustodyChain(tmp_path / "c", new_signer()) for _ in range(2))
    for chain in (one, other, one):
        chain.append("viewed", IDS[1], {})
    assert len(one.about(IDS[1])) == 3
    assert [entry["key_id"] for entry in one.about_keys()] == [
        one.signer.key_id if one.signer else "",
        other.signer.key_id if other.signer else "",
        one.signer.key_id if one.signer else "",
    ]
