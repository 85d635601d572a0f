// What the site's search finds first: the glossary and the chapters, which explain a word, before the reference, which
// uses it. The numbers are Sphinx's own but for that.

var Scorer = {
  score: ([page, title, anchor, text, score, file, kind]) =>
    /^(book\/|words$)/.test(page) ? score + 12 : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
