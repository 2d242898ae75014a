//! A model for `tokenizers` that orders merges by the score of the resulting piece, leftmost first
//! among equals, as in SentencePiece and llama.cpp. The library's own BPE only has ranks of pairs,
//! which cannot represent pieces of equal score exactly, such as the runs of spaces in Llama 2.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::tokenizer::{AddedToken, Model, Result, Token, Trainer};

#[derive(Deserialize)]
struct Stored {
    pieces: Vec<String>,
    scores: Vec<f64>,
}

/// Pieces are looked up by text; a piece's id is its index. Text without a piece becomes bytes.
#[derive(Deserialize)]
#[serde(try_from = "Stored")]
pub struct Scored {
    ids: HashMap<String, u32>,
    pieces: Vec<String>,
    scores: Vec<f32>,
    byte_ids: Vec<u32>,
}

impl TryFrom<Stored> for Scored {
    type Error = String;

    fn try_from(stored: Stored) -> std::result::Result<Scored, String> {
        let Stored { pieces, scores } = stored;
        if pieces.len() != scores.len() {
            return Err(format!(
                "{} pieces but {} scores",
                pieces.len(),
                scores.len()
            ));
        }
        let ids: HashMap<String, u32> = (0..).zip(&pieces).map(|(id, p)| (p.clone(), id)).collect();
        let byte_id = |byte: u8| {
            let piece = format!("<0x{byte:02X}>");
            ids.get(&piece)
                .copied()
                .ok_or_else(|| format!("no piece {piece}"))
        };
        let byte_ids = (0..=255)
            .map(byte_id)
            .collect::<std::result::Result<_, _>>()?;
        let scores = scores.into_iter().map(|score| score as f32).collect();
        Ok(Scored {
            ids,
            pieces,
            scores,
            byte_ids,
        })
    }
}

/// A part of the text; empty after it has been merged into the part on its left.
struct Part {
    start: usize,
    end: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

/// Two neighbours whose combined text, [start, end), is a piece.
struct Candidate {
    score: f32,
    left: usize,
    right: usize,
    start: usize,
    end: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then(other.left.cmp(&self.left))
    }
}
impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Candidate {}

impl Scored {
    fn candidate(
        &self,
        text: &str,
        parts: &[Part],
        left: usize,
        right: usize,
    ) -> Option<Candidate> {
        let (start, end) = (parts[left].start, parts[right].end);
        let id = *self.ids.get(&text[start..end])?;
        // Adding zero turns -0 into 0.
        Some(Candidate {
            score: self.scores[id as usize] + 0.0,
            left,
            right,
            start,
            end,
        })
    }

    fn merged(&self, text: &str) -> Vec<Part> {
        let count = text.chars().count();
        let mut parts: Vec<Part> = text
            .char_indices()
            .enumerate()
            .map(|(i, (start, c))| Part {
                start,
                end: start + c.len_utf8(),
                previous: i.checked_sub(1),
                next: Some(i + 1).filter(|next| *next < count),
            })
            .collect();
        let mut queue: BinaryHeap<Candidate> = (1..count)
            .filter_map(|i| self.candidate(text, &parts, i - 1, i))
            .collect();
        while let Some(Candidate {
            left,
            right,
            start,
            end,
            ..
        }) = queue.pop()
        {
            let empty = |part: &Part| part.start == part.end;
            if empty(&parts[left]) || empty(&parts[right]) {
                continue;
            }
            if parts[left].start != start || parts[right].end != end {
                continue; // one of the two has been merged since
            }
            let next = parts[right].next;
            parts[left].end = end;
            parts[left].next = next;
            parts[right].start = end;
            if let Some(next) = next {
                parts[next].previous = Some(left);
                queue.extend(self.candidate(text, &parts, left, next));
            }
            if let Some(previous) = parts[left].previous {
                queue.extend(self.candidate(text, &parts, previous, left));
            }
        }
        parts.retain(|part| part.start < part.end);
        parts
    }
}

impl Model for Scored {
    type Trainer = NoTrainer;

    fn tokenize(&self, text: &str) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        for Part { start, end, .. } in self.merged(text) {
            let piece = &text[start..end];
            if let Some(id) = self.ids.get(piece) {
                tokens.push(Token::new(*id, piece.to_string(), (start, end)));
                continue;
            }
            for byte in piece.bytes() {
                let id = self.byte_ids[usize::from(byte)];
                tokens.push(Token::new(
                    id,
                    self.pieces[id as usize].clone(),
                    (start, end),
                ));
            }
        }
        Ok(tokens)
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        self.pieces.get(id as usize).cloned()
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        self.ids.clone()
    }

    fn get_vocab_size(&self) -> usize {
        self.pieces.len()
    }

    fn save(&self, _folder: &Path, _prefix: Option<&str>) -> Result<Vec<PathBuf>> {
        Err("a scored vocabulary cannot be saved".into())
    }

    fn get_trainer(&self) -> NoTrainer {
        NoTrainer
    }
}

/// The trait `Model` requires a trainer; vocabularies are only read here, never trained.
pub struct NoTrainer;

impl Trainer for NoTrainer {
    type Model = Scored;

    fn should_show_progress(&self) -> bool {
        false
    }

    fn train(&self, _model: &mut Scored) -> Result<Vec<AddedToken>> {
        Err("a scored vocabulary cannot be trained".into())
    }

    fn feed<I, S, F>(&mut self, _iterator: I, _process: F) -> Result<()>
    where
        I: Iterator<Item = S> + Send,
        S: AsRef<str> + Send,
        F: Fn(&str) -> Result<Vec<String>> + Sync,
    {
        Err("a scored vocabulary cannot be trained".into())
    }
}
