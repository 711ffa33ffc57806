//! Tests of the rendering.
use super::*;

fn sources(text: &str) -> SourceMap {
    let mut s = SourceMap::default();
    s.add("a.gm".into(), text.into());
    s
}

#[test]
fn a_report_has_its_line_label_related_place_help_and_code() {
    let s = sources("one\ntwo\n\tthree four\nfive\n");
    let d = Diagnostic::error("some-code", Span::new(10, 15), "it is wrong")
        .label("here")
        .related(Span::new(5, 8), "from this")
        .help("do better");
    let out = human(&d, &s, false, Some(80));
    for part in ["some-code", "a.gm:3:2", "it is wrong", "three four", "here", "from this", "do better", "2 │ two"] {
        assert!(out.contains(part), "{part} in {out}");
    }
    assert!(!out.contains('\x1b'), "no colours unless asked");
    assert!(human(&d, &s, true, Some(80)).contains('\x1b'));
    let warning = Diagnostic::warning("w", Span::new(1, 4), "careful");
    assert!(human(&warning, &s, false, None).contains("careful"));
}

#[test]
fn json_is_one_line_and_escaped() {
    let s = sources("x \"y\"\nz\n");
    let d = Diagnostic::error("c", Span::new(3, 6), "say \"hi\"\n\u{7}\\").help("h");
    let expected = "{\"file\":\"a.gm\",\"line\":1,\"column\":3,\"end\":{\"line\":1,\"column\":6},\
                    \"severity\":\"error\",\"code\":\"c\",\"message\":\"say \\\"hi\\\"\\n\\u0007\\\\\",\"help\":\"h\"}\n";
    assert_eq!(json(&d, &s), expected);
    let nowhere = Diagnostic::error("c", Span::NONE, "m");
    assert_eq!(json(&nowhere, &s), "{\"severity\":\"error\",\"code\":\"c\",\"message\":\"m\"}\n");
    assert_eq!(human(&nowhere, &s, false, None), "error: m\n");
}

#[test]
fn hostile_sources_are_shown_harmlessly() {
    let long = format!("{}\u{1b}[31m{}", "é ".repeat(200_000), "b ".repeat(200_000));
    let s = sources(&long);
    let at = 1 + long.find('\u{1b}').unwrap() as u32;
    let out = human(&Diagnostic::error("c", Span::new(at, at + 1), "esc \u{1b}[0m"), &s, false, None);
    assert!(!out.contains('\x1b') && out.contains('␛') && out.len() < 3_000, "{} bytes", out.len());
}

#[test]
fn marks_may_lie_anywhere() {
    for text in ["", "\n", "a", "a\n", "\r\n\r\n", "é\té\n\nx", "日本\n\u{202E}語"] {
        let s = sources(text);
        let end = 1 + text.len() as u32;
        for lo in 0..=end + 2 {
            for hi in [lo, lo + 1, end, end + 5] {
                for related in [1, end] {
                    let d = Diagnostic::error("c", Span::new(lo, hi), "m").related(Span::new(related, end), "r");
                    assert!(human(&d, &s, false, Some(1)).contains('m'));
                    json(&d, &s);
                }
            }
        }
    }
}
