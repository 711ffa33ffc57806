//! Hosts that a program may reach, by name or number, perhaps with a port.
use super::{Door, What, denied};
use std::io::Result;
use std::net::{IpAddr, Ipv4Addr};

#[derive(Clone, Debug, Default)]
pub struct Hosts {
    pub(super) all: bool,
    rules: Vec<Rule>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    host: Host,
    /// `None`: every port.
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Host {
    Any,
    Number(IpAddr),
    /// In small letters, without a dot at the end.
    Name(String),
}

/// An address as it is compared: IPv4 inside IPv6 is IPv4, and both "all addresses of this machine" are one.
fn plain(ip: IpAddr) -> IpAddr {
    let ip = ip.to_canonical();
    if ip.is_unspecified() { Ipv4Addr::UNSPECIFIED.into() } else { ip }
}

fn plain_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

impl Rule {
    fn parse(text: &str) -> Rule {
        let host = |h: &str| match h.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(ip) => Host::Number(plain(ip)),
            Err(_) if h.is_empty() => Host::Any,
            Err(_) => Host::Name(plain_name(h)),
        };
        match text.rsplit_once(':') {
            // More colons without brackets: an address of IPv6.
            Some((h, port)) if !h.contains(':') || h.ends_with(']') => {
                if let Ok(port) = port.parse() {
                    return Rule { host: host(h), port: Some(port) };
                }
                Rule { host: host(text), port: None }
            }
            _ => Rule { host: host(text), port: None },
        }
    }

    fn fits_port(&self, port: u16) -> bool {
        self.port.is_none_or(|p| p == port)
    }
}

impl Hosts {
    pub(super) fn add(&mut self, text: &str) {
        self.rules.push(Rule::parse(text));
    }

    /// The ports at which a name may be reached; empty: none.
    fn ports_of(&self, name: &str) -> Vec<Option<u16>> {
        let name = plain_name(name);
        let named = |r: &&Rule| matches!(&r.host, Host::Name(n) if *n == name) || r.host == Host::Any;
        self.rules.iter().filter(named).map(|r| r.port).collect()
    }

    pub(super) fn covers_name(&self, name: &str) -> bool {
        self.all || !self.ports_of(name).is_empty()
    }

    /// Whether a socket that has a name but no file, and no port, may be used.
    pub(super) fn covers_abstract(&self, name: &str) -> bool {
        let name = plain_name(name);
        self.all || self.rules.iter().any(|r| matches!(&r.host, Host::Name(n) if *n == name))
    }
}

impl Door {
    /// Whether there is the whole network.
    pub fn has_whole_network(&self) -> Result<()> {
        let allowed = self.permissions.unrestricted || self.permissions.net.all;
        if allowed { Ok(()) } else { Err(denied(What::Net)) }
    }

    /// Whether a name may be looked up.
    pub fn may_look_up(&self, name: &str) -> Result<()> {
        let allowed = self.permissions.unrestricted || self.permissions.net.covers_name(name);
        if allowed { Ok(()) } else { Err(denied(What::Net)) }
    }

    /// A name that may be looked up has these addresses: so they may be reached.
    pub fn looked_up(&self, name: &str, found: impl Iterator<Item = IpAddr>) {
        if self.permissions.unrestricted || self.permissions.net.all {
            return;
        }
        let ports = self.permissions.net.ports_of(name);
        let mut known = self.known.lock();
        for ip in found {
            let list = known.entry(plain(ip)).or_default();
            for port in &ports {
                if !list.contains(port) {
                    list.push(*port);
                }
            }
        }
    }

    /// Whether an address may be connected to, or listened at.
    pub fn may_reach(&self, ip: IpAddr, port: u16) -> Result<()> {
        let net = &self.permissions.net;
        if self.permissions.unrestricted || net.all {
            return Ok(());
        }
        let ip = plain(ip);
        let ruled = |r: &Rule| r.fits_port(port) && (r.host == Host::Any || r.host == Host::Number(ip));
        let known = || self.known.lock().get(&ip).is_some_and(|l| l.iter().any(|p| p.is_none_or(|p| p == port)));
        if net.rules.iter().any(ruled) || known() { Ok(()) } else { Err(denied(What::Net)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let number = |s: &str| Host::Number(s.parse().unwrap());
        let name = |s: &str| Host::Name(s.into());
        let cases = [
            ("example.com", name("example.com"), None),
            ("Example.COM.:443", name("example.com"), Some(443)),
            ("127.0.0.1:80", number("127.0.0.1"), Some(80)),
            ("[::1]:80", number("::1"), Some(80)),
            ("[::1]", number("::1"), None),
            ("::1", number("::1"), None),
            ("::ffff:1.2.3.4", number("1.2.3.4"), None),
            ("[::]:80", number("0.0.0.0"), Some(80)),
            (":8080", Host::Any, Some(8080)),
        ];
        for (text, host, port) in cases {
            assert_eq!(Rule::parse(text), Rule { host, port }, "{text}");
        }
    }

    #[test]
    fn a_name_opens_the_addresses_it_has() {
        let door = Door::new(crate::door::Permissions::none().allow_net(["example.com:443"]));
        let ip: IpAddr = "10.1.2.3".parse().unwrap();
        assert!(door.may_look_up("EXAMPLE.com").is_ok() && door.may_look_up("example.org").is_err());
        assert!(door.may_reach(ip, 443).is_err());
        door.looked_up("example.com", [ip].into_iter());
        assert!(door.may_reach("::ffff:10.1.2.3".parse().unwrap(), 443).is_ok());
        assert!(door.may_reach(ip, 80).is_err());
    }
}
