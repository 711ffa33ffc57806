//! What the live view looks like.
use super::{Live, RATES};
use crate::cli::trace::text;
use crate::interp::look::Look;
use crate::sched::trace::NO_P;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Table};

const SOFT: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

pub fn draw(live: &Live, frame: &mut Frame) {
    let Some(look) = live.handle.look() else { return };
    let ps = (look.ps.len() as u16 + 3).min(frame.area().height / 2);
    let [head, processors, middle, output, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(ps),
        Constraint::Length(9),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let time = format!("  {:.3} s", look.time.as_secs_f64());
    frame.render_widget(Line::from(vec![Span::styled(format!("gmpl  {}", live.title), STRONG), time.into()]), head);
    draw_processors(&look, frame, processors);
    let [gs, rest] = Layout::horizontal([Constraint::Percentage(50); 2]).areas(middle);
    draw_goroutines(&look, frame, gs);
    draw_rest(&look, frame, rest);
    let output = if live.slow.is_some() {
        let [decisions, output] =
            Layout::vertical([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(output);
        draw_decisions(live, frame, decisions);
        output
    } else {
        output
    };
    let lines = live.pane.tail(output.height.saturating_sub(2) as usize);
    let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" Output ")), output);
    let text = match &live.slow {
        None => "q ends the program".to_string(),
        Some(slow) if slow.goes => {
            format!("{} decisions a second   - slower  + faster   Enter stops   Space: one   q ends", RATES[slow.rate])
        }
        Some(_) => "held   Space: the next decision   Enter or + goes on by itself   q ends the program".to_string(),
    };
    frame.render_widget(Line::styled(text, SOFT), keys);
}

fn draw_processors(look: &Look, frame: &mut Frame, area: Rect) {
    let most = look.ps.iter().map(|p| p.queue).max().unwrap_or(0).max(1);
    let rows = look.ps.iter().enumerate().map(|(i, p)| {
        let running = match p.running {
            0 if p.is_idle => Span::styled("idle", SOFT),
            0 => Span::styled("looks for work", Style::new().fg(Color::Yellow)),
            g => Span::styled(format!("g{g}"), Style::new().fg(Color::Green).add_modifier(Modifier::BOLD)),
        };
        let thread = if p.has_thread { format!("M{i}") } else { "-".into() };
        let bar = "█".repeat((p.queue * 20).div_ceil(most).min(20));
        Row::new([
            Cell::from(Span::styled(format!("P{i}"), STRONG)),
            thread.into(),
            running.into(),
            p.queue.to_string().into(),
            Span::styled(bar, Style::new().fg(Color::Yellow)).into(),
            p.ticks.to_string().into(),
            p.steals.to_string().into(),
        ])
    });
    let widths = [5, 6, 15, 6, 21, 12, 8].map(Constraint::Length);
    let head = Row::new(["P", "M", "runs G", "queue", "", "ticks", "steals"]).style(SOFT);
    let block = Block::bordered().title(" Processors (P), their threads (M), and the goroutines (G) they run ");
    frame.render_widget(Table::new(rows, widths).header(head).block(block), area);
}

fn draw_goroutines(look: &Look, frame: &mut Frame, area: Rect) {
    let mut lines = vec![Line::from(format!("{:>8} run, {} ready", look.running, look.ready))];
    let room = area.height.saturating_sub(4) as usize;
    lines.extend(look.waiting.iter().take(room).map(|(reason, n)| Line::from(format!("{n:>8} {reason}"))));
    let more: usize = look.waiting.iter().skip(room).map(|w| w.1).sum();
    if more > 0 {
        lines.push(Line::from(format!("{more:>8} others")));
    }
    let waiting: usize = look.waiting.iter().map(|w| w.1).sum();
    let title = format!(" Goroutines: {}, of which {waiting} wait ", look.running + look.ready + waiting);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

fn draw_rest(look: &Look, frame: &mut Frame, area: Rect) {
    let megabytes = |bytes: u64| bytes as f64 / (1 << 20) as f64;
    let (threads, free) = look.job_threads;
    let lines = [
        format!("{:>8} in the global queue", look.global),
        format!("{:>8} Ms sleep, {} spin", look.sleeping_ms, look.spinning),
        format!("{:>8} blocking calls, {free} threads free for more", threads.saturating_sub(free)),
        format!("{:>8.1} MB heap, collected at {:.1}", megabytes(look.heap_bytes), megabytes(look.next_collection)),
        format!("{:>8} collections", look.collections),
    ];
    let block = Block::bordered().title(" Scheduler and heap ");
    frame.render_widget(Paragraph::new(lines.map(Line::from).to_vec()).block(block), area);
}

fn draw_decisions(live: &Live, frame: &mut Frame, area: Rect) {
    let recorded = live.recorder.recent();
    let events = &recorded.taken.events;
    let room = area.height.saturating_sub(2) as usize;
    let lines = events[events.len().saturating_sub(room)..].iter().map(|e| {
        let p = if e.p == NO_P { "--".to_string() } else { format!("P{}", e.p) };
        Line::from(vec![Span::styled(format!("{p:<4}"), STRONG), text::sentence(&recorded, e).into()])
    });
    let block = Block::bordered().title(" Decisions, the last below ");
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
}
