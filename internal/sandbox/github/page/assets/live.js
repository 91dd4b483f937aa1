// Keeps the page current. The server says that something changed; the page is fetched again and only the parts that
// show state are replaced, so that a half-written comment and the chosen persona stay.
(function () {
  "use strict";
  var parts = ["live", "live-conversation", "live-changes", "live-checks", "live-buttons"];
  var shown = document.querySelector("main").dataset.version;
  var busy = false, again = false;

  function folds(node) {
    return Array.prototype.map.call(node.querySelectorAll("details"), function (d) { return d.open; });
  }

  function replace(doc) {
    parts.forEach(function (id) {
      var old = document.getElementById(id), fresh = doc.getElementById(id);
      if (!old || !fresh || old.innerHTML === fresh.innerHTML) { return; }
      var open = folds(old);
      old.replaceWith(document.adoptNode(fresh));
      fresh.querySelectorAll("details").forEach(function (d, i) { if (i < open.length) { d.open = open[i]; } });
    });
  }

  function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    fetch(location.pathname, { headers: { Accept: "text/html" } })
      .then(function (r) { return r.ok ? r.text() : Promise.reject(new Error(r.statusText)); })
      .then(function (text) { replace(new DOMParser().parseFromString(text, "text/html")); })
      .catch(function () { /* the next event tries again */ })
      .then(function () {
        busy = false;
        if (again) { again = false; refresh(); }
      });
  }

  if (!document.getElementById("live")) { return; }
  new EventSource("/events").onmessage = function (e) {
    if (e.data === shown) { return; }
    shown = e.data;
    refresh();
  };
})();
