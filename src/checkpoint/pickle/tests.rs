use std::fs;

use proptest::prelude::*;

use super::*;

fn root(bytes: &[u8]) -> Node<'_> {
    let (pickle, length) = parse(bytes).unwrap();
    assert_eq!(length, bytes.len());
    pickle.get(pickle.root()).clone()
}

#[test]
fn reads_a_dictionary_of_protocol_4() {
    // pickle.dumps({"a": [1, (-2, 300)], "b": b"x"}, 4), as CPython writes it.
    let bytes = b"\x80\x04\x95!\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\
                  \x01\x86\x94e\x8c\x01b\x94C\x01x\x94u.";
    let (pickle, _) = parse(bytes).unwrap();
    let items = pickle.dict(pickle.root()).unwrap();
    assert_eq!(pickle.text(items[0].0), Some("a"));
    let Node::List(list) = pickle.get(items[0].1) else {
        panic!("no list")
    };
    assert_eq!(pickle.size(list[0]), Some(1));
    let pair = pickle.tuple(list[1]).unwrap();
    assert_eq!(*pickle.get(pair[0]), Node::Int(-2));
    assert_eq!(pickle.size(pair[1]), Some(300));
    assert_eq!(*pickle.get(items[1].1), Node::Opaque);
}

#[test]
fn a_command_stays_a_name_and_its_arguments() {
    // What os.system("rm -rf ~") pickles to.
    let bytes = b"cos\nsystem\n(S'rm -rf ~'\ntR.";
    let (pickle, _) = parse(bytes).unwrap();
    let &Node::Call {
        function,
        arguments,
    } = pickle.get(pickle.root())
    else {
        panic!("no call")
    };
    assert_eq!(pickle.global(function), Some(("os", "system")));
    assert_eq!(
        pickle.text(pickle.tuple(arguments).unwrap()[0]),
        Some("rm -rf ~")
    );
}

#[test]
fn reads_integers_of_every_width() {
    assert_eq!(
        root(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."),
        { Node::Int(0x1950_a86a_20f9_469c_fc6c) }
    );
    assert_eq!(root(b"\x8a\x00."), Node::Int(0));
    assert_eq!(root(b"\x8a\x01\xff."), Node::Int(-1));
    assert_eq!(root(b"L123L\n."), Node::Int(123));
    assert_eq!(root(b"I01\n."), Node::Bool(true));
    let long = [b"\x8a\x11".as_slice(), &[0xff; 17], b"."].concat();
    assert_eq!(root(&long), Node::Opaque);
}

#[test]
fn says_where_a_pickle_breaks() {
    for (bytes, what) in [
        (
            b"".as_slice(),
            "its end before it was complete at its byte 0",
        ),
        (
            b"X\xff\xff\xff\xff",
            "its end before it was complete at its byte 0",
        ),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "its end before"),
        (b"N(0", "an empty stack at its byte 2"),
        (b"t", "no mark"),
        (b"h\x07", "memo 7, which was never set,"),
        (b"(NNNd", "a key without a value"),
        (b"\x80\x09", "protocol 9"),
        (b"NN\x93", "a class without a name"),
        (b"\xff", "0xff, which is no opcode"),
    ] {
        let error = parse(bytes).unwrap_err();
        assert!(error.contains(what), "{bytes:?}: {error}");
    }
}

#[test]
fn bounds_what_a_hostile_pickle_takes() {
    let nested = [vec![b']'; 3 << 20], vec![b'.']].concat();
    assert!(
        parse(&nested)
            .unwrap_err()
            .contains("more than 2097152 values")
    );
    let copies = [vec![b'N'], vec![b'2'; 3 << 20]].concat();
    assert!(
        parse(&copies)
            .unwrap_err()
            .contains("more than 2097152 values")
    );
    let memos = [vec![b'N'], vec![0x94; 3 << 20]].concat();
    assert!(
        parse(&memos)
            .unwrap_err()
            .contains("more than 2097152 values")
    );
    // A list of pairs, kept, and made into one dictionary after the other.
    let pairs = b"ccollections\nOrderedDict\nq\x00](".to_vec();
    let pairs = [pairs, b"NN\x86".repeat(1000), b"eq\x01".to_vec()].concat();
    let bomb = [pairs, b"0h\x00h\x01\x85R".repeat(1000), vec![b'.']].concat();
    assert!(
        parse(&bomb)
            .unwrap_err()
            .contains("more items than it has bytes")
    );
    let deep = [vec![b'N'], vec![0x85; 1 << 20], vec![b'.']].concat();
    assert!(parse(&deep).is_ok());
}

/// The five pickles of a real file of the old form.
fn real() -> Vec<u8> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/reference/herbert-legacy"
    );
    let mut bytes = fs::read(format!("{path}/pytorch_model.bin")).unwrap();
    bytes.truncate(7_769);
    bytes
}

fn parse_all(bytes: &[u8]) -> usize {
    let (mut at, mut pickles) = (0, 0);
    while let Ok((_, length)) = parse(&bytes[at..]) {
        at += length;
        pickles += 1;
    }
    pickles
}

#[test]
fn reads_real_pickles_to_their_ends() {
    assert_eq!(parse_all(&real()), 5);
}

proptest! {
    #[test]
    fn never_panics_on_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse_all(&bytes);
    }

    #[test]
    fn never_panics_on_random_opcodes(
        bytes in prop::collection::vec(
            prop::sample::select(b"().]}0125NtldaesuRbQcihjqrgpKMJ2\x81\x85\x86\x87\x88\x8a\x93\x94\n\x01".to_vec()),
            0..300,
        )
    ) {
        parse_all(&bytes);
    }

    #[test]
    fn never_panics_on_damaged_pickles(
        damage in prop::collection::vec((0..7_769usize, any::<u8>()), 1..20),
        cut in 0..7_769usize,
    ) {
        let mut bytes = real();
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        parse_all(&bytes);
        parse_all(&bytes[..cut]);
    }
}
