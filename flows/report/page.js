(function () {
  "use strict";
  var kept = "arrears.language";
  var choices = document.querySelectorAll('input[name="language"]');

  function show(language) {
    choices.forEach(function (choice) {
      choice.checked = choice.value === language;
    });
    document.documentElement.lang = language;
  }

  var language = null;
  try {
    language = localStorage.getItem(kept);
  } catch (refused) {
    // a page from a file may not keep anything
  }
  if (language !== "zh-CN" && language !== "en") {
    language = /^zh/i.test(navigator.language || "zh") ? "zh-CN" : "en";
  }
  show(language);

  choices.forEach(function (choice) {
    choice.addEventListener("change", function () {
      show(choice.value);
      try {
        localStorage.setItem(kept, choice.value);
      } catch (refused) {
        // the choice holds for this reading
      }
    });
  });
})();
