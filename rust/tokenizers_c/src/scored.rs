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

#[cfg(test)]
mod tests {
    use super::*;

    /// A vocabulary of the 256 bytes (ids 0 to 255) and of `pieces` after them.
    fn vocabulary(pieces: &[(&str, f64)]) -> Scored {
        let bytes = (0..=255).map(|byte: u8| (format!("<0x{byte:02X}>"), -100.0));
        let pieces = pieces
            .iter()
            .map(|(piece, score)| (piece.to_string(), *score));
        let (pieces, scores) = bytes.chain(pieces).unzip();
        Scored::try_from(Stored { pieces, scores }).unwrap()
    }

    fn pieces_of(model: &Scored, text: &str) -> Vec<String> {
        let tokens = model.tokenize(text).unwrap();
        tokens.into_iter().map(|token| token.value).collect()
    }

    /// The rule itself: of all neighbours that make a piece the best one, the leftmost among equals.
    fn merged_slowly(model: &Scored, text: &str) -> Vec<String> {
        let mut parts: Vec<String> = text.chars().map(String::from).collect();
        loop {
            let mut best: Option<(f32, usize)> = None;
            for i in 1..parts.len() {
                if let Some(id) = model.token_to_id(&(parts[i - 1].clone() + &parts[i])) {
                    let score = model.scores[id as usize];
                    if best.is_none_or(|(most, _)| score > most) {
                        best = Some((score, i));
                    }
                }
            }
            let Some((_, i)) = best else { return parts };
            let right = parts.remove(i);
            parts[i - 1] += &right;
        }
    }

    #[test]
    fn the_best_score_merges_first() {
        let letters = [("a", -9.0), ("b", -9.0), ("c", -9.0)];
        let with = |ab, bc| vocabulary(&[&letters[..], &[("ab", ab), ("bc", bc)]].concat());
        assert_eq!(pieces_of(&with(-1.0, -2.0), "abc"), ["ab", "c"]);
        assert_eq!(pieces_of(&with(-2.0, -1.0), "abc"), ["a", "bc"]);
    }

    #[test]
    fn the_leftmost_of_equals_merges_first() {
        for (first, second) in [(-1.0, -1.0), (0.0, -0.0), (-0.0, 0.0)] {
            let model = vocabulary(&[("a", -9.0), ("b", -9.0), ("ab", first), ("ba", second)]);
            assert_eq!(pieces_of(&model, "aba"), ["ab", "a"]);
            assert_eq!(pieces_of(&model, "bab"), ["ba", "b"]);
        }
    }

    #[test]
    fn runs_merge_as_the_rule_says() {
        let model = vocabulary(&[
            ("a", -9.0),
            ("b", -9.0),
            ("é", -9.0),
            ("aa", -1.0),
            ("aaaa", -1.0),
            ("ab", -2.0),
            ("ba", -1.5),
            ("éa", -1.0),
            ("bé", -0.5),
            ("aab", -0.25),
            ("abbé", 0.0),
        ]);
        let mut state = 1u32;
        for length in 0..200 {
            let text: String = (0..length % 40)
                .map(|_| {
                    state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                    ['a', 'a', 'b', 'é'][(state >> 30) as usize]
                })
                .collect();
            assert_eq!(
                pieces_of(&model, &text),
                merged_slowly(&model, &text),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_piece_becomes_bytes() {
        let model = vocabulary(&[("a", -1.0)]);
        let tokens = model.tokenize("aé").unwrap();
        let found: Vec<_> = tokens.iter().map(|t| (t.id, t.offsets)).collect();
        assert_eq!(found, [(256, (0, 1)), (0xC3, (1, 3)), (0xA9, (1, 3))]);
        assert_eq!(tokens[1].value, "<0xC3>");
    }

    #[test]
    fn incomplete_vocabularies_are_refused() {
        let error = |pieces: &[&str], scores: &[f64]| {
            let pieces = pieces.iter().map(|piece| piece.to_string()).collect();
            let scores = scores.to_vec();
            Scored::try_from(Stored { pieces, scores }).err().unwrap()
        };
        assert_eq!(error(&["a"], &[]), "1 pieces but 0 scores");
        assert_eq!(error(&["a"], &[0.0]), "no piece <0x00>");
    }
}
