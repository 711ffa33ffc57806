//! A page in headless Chromium, through its driver: HTTP on a socket, as WebDriver says.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    profile: PathBuf,
}

impl Browser {
    /// `None`, with a message: the driver is not installed. `name` is that of the test.
    pub fn start(name: &str) -> Option<Browser> {
        let spawned = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut driver) = spawned else {
            eprintln!("skipped: chromedriver is not installed (Debian: apt-get install chromium chromium-driver)");
            return None;
        };
        let lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        let profile = std::env::temp_dir().join(format!("gmpl-{name}-{}", std::process::id()));
        let mut browser = Browser { driver, port: port.expect("the driver's port"), session: String::new(), profile };
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,887",
            &format!("--user-data-dir={}", browser.profile.display()),
        ];
        let wishes = format!(
            "{{\"capabilities\":{{\"alwaysMatch\":{{\"browserName\":\"chrome\",\"goog:loggingPrefs\":{{\"browser\":\"ALL\"}},\
             \"goog:chromeOptions\":{{\"args\":[{}]}}}}}}}}",
            flags.map(|f| format!("\"{f}\"")).join(",")
        );
        let answer = browser.request("POST", "/session", &wishes);
        let (_, rest) = answer.split_once("\"sessionId\":\"").unwrap_or_else(|| panic!("no session: {answer}"));
        browser.session = format!("/session/{}", rest.split('"').next().unwrap_or_default());
        Some(browser)
    }

    /// The body of the answer.
    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the driver listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let head = format!("{method} {}{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", self.session, self.port);
        write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).expect("a request");
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header");
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().expect("a length");
                }
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).expect("an answer");
        String::from_utf8(answer).expect("text")
    }

    pub fn open(&self, page: &Path) {
        let answer = self.request("POST", "/url", &format!("{{\"url\":\"file://{}\"}}", page.display()));
        assert_eq!(answer, "{\"value\":null}");
    }

    /// What a script returns, as text.
    pub fn script(&self, script: &str) -> String {
        let body = format!("{{\"args\":[],\"script\":{}}}", quote(&format!("return String((() => {{ {script} }})())")));
        text(&self.request("POST", "/execute/sync", &body))
    }

    /// What a script gives to `done`, as text.
    pub fn wait(&self, script: &str) -> String {
        let script = format!("const done = value => arguments[0](String(value)); {script}");
        text(&self.request("POST", "/execute/async", &format!("{{\"args\":[],\"script\":{}}}", quote(&script))))
    }

    pub fn click(&self, x: f64, y: f64) {
        let actions = format!(
            "{{\"actions\":[{{\"type\":\"pointer\",\"id\":\"mouse\",\"actions\":[{{\"type\":\"pointerMove\",\"x\":{},\"y\":{}}},\
             {{\"type\":\"pointerDown\",\"button\":0}},{{\"type\":\"pointerUp\",\"button\":0}}]}}]}}",
            x.round(),
            y.round()
        );
        assert_eq!(self.request("POST", "/actions", &actions), "{\"value\":null}");
    }

    /// Types into what has the focus.
    pub fn keys(&self, keys: &str) {
        let actions: Vec<String> = keys
            .chars()
            .map(|c| {
                format!(
                    "{{\"type\":\"keyDown\",\"value\":{0}}},{{\"type\":\"keyUp\",\"value\":{0}}}",
                    quote(&c.to_string())
                )
            })
            .collect();
        let body =
            format!("{{\"actions\":[{{\"type\":\"key\",\"id\":\"keys\",\"actions\":[{}]}}]}}", actions.join(","));
        assert_eq!(self.request("POST", "/actions", &body), "{\"value\":null}");
    }

    /// Fails if the page has complained.
    pub fn is_content(&self) {
        let log = self.request("POST", "/se/log", "{\"type\":\"browser\"}");
        assert!(!log.contains("SEVERE") && !log.contains("WARNING"), "the console has errors: {log}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.request("DELETE", "", "");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn quote(text: &str) -> String {
    gmpl::base::render::quote(text)
}

/// The string in `{"value":"..."}`.
fn text(answer: &str) -> String {
    let value = answer.strip_prefix("{\"value\":\"").and_then(|a| a.strip_suffix("\"}"));
    let mut rest = value.unwrap_or_else(|| panic!("no text: {answer}")).chars();
    let mut out = String::new();
    while let Some(c) = rest.next() {
        match (c, c == '\\') {
            (_, true) => match rest.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('u') => {
                    let code: String = rest.by_ref().take(4).collect();
                    out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                }
                Some(c) => out.push(c),
                None => {}
            },
            _ => out.push(c),
        }
    }
    out
}
