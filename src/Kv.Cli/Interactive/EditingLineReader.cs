using RadLine;
using Spectre.Console;

namespace Kv.Cli.Interactive;

/// <summary>
/// Line editing with history and completion. Ctrl-C abandons the line through the process's signal, not as
/// a key: so it also works while a call runs, and Ctrl-Z keeps its meaning.
/// </summary>
internal sealed class EditingLineReader : ILineReader
{
    private readonly IAnsiConsole _console;
    private readonly Interrupts _interrupts;
    private readonly LineHistory _history;
    private readonly LineEditor _editor;

    // What asks for the line being read; null: the prompt for commands.
    private string? _prompt;

    // Between two lines Ctrl-C is to do nothing, not to end the process.
    private readonly Interrupts.Scope _idle;

    public EditingLineReader(
        IAnsiConsole console,
        Interrupts interrupts,
        Func<string> prompt,
        LineHistory history,
        RecentKeys recentKeys)
    {
        (_console, _interrupts, _history) = (console, interrupts, history);
        _idle = interrupts.Begin();
        _editor = new LineEditor(new UnwrappedConsole(console), new UnhurriedInput())
        {
            Prompt = new LivePrompt(() => _prompt ?? prompt()),
            Highlighter = VerbHighlighter(),
        };
        Bind(_editor.KeyBindings, recentKeys);
    }

    /// <summary>Whether the terminal can do what this needs.</summary>
    public static bool IsSupported(IAnsiConsole console) => LineEditor.IsSupported(console);

    public bool WasAbandoned { get; private set; }

    public async Task<string?> ReadAsync(string? prompt = null)
    {
        (_prompt, WasAbandoned) = (prompt, false);
        using Interrupts.Scope interrupt = _interrupts.Begin();
        _history.Rewind();
        try
        {
            if (await _editor.ReadLine(interrupt.Token) is { } line)
            {
                return line;
            }
        }
        catch (OperationCanceledException)
        {
            // The token was cancelled while the editor waited for a key.
        }

        // The editor returns null, as for Ctrl-D, when it sees the cancelled token between two keys.
        if (!interrupt.Token.IsCancellationRequested)
        {
            return null;
        }

        WasAbandoned = true;
        _console.WriteLine("^C");
        return "";
    }

    public void Dispose() => _idle.Dispose();

    /// <summary>
    /// Adds what shells have and the editor lacks. The editor takes the first binding of a key when no
    /// modifier is pressed, so a plain key is always bound before its Ctrl form.
    /// </summary>
    private void Bind(KeyBindings keys, RecentKeys recentKeys)
    {
        const ConsoleModifiers Ctrl = ConsoleModifiers.Control;
        keys.Add(ConsoleKey.Tab, () => new CompleteCommand(Complete, 1));
        keys.Add(ConsoleKey.Tab, ConsoleModifiers.Shift, () => new CompleteCommand(Complete, -1));
        Edit(ConsoleKey.UpArrow, null, PreviousLine);
        Edit(ConsoleKey.DownArrow, null, NextLine);
        Edit(ConsoleKey.UpArrow, Ctrl, PreviousLine);
        Edit(ConsoleKey.DownArrow, Ctrl, NextLine);
        Edit(ConsoleKey.P, Ctrl, PreviousLine);
        Edit(ConsoleKey.N, Ctrl, NextLine);
        Edit(ConsoleKey.A, Ctrl, buffer => buffer.MoveHome());
        Edit(ConsoleKey.E, Ctrl, buffer => buffer.MoveEnd());
        Edit(ConsoleKey.B, Ctrl, buffer => buffer.MoveLeft());
        Edit(ConsoleKey.F, Ctrl, buffer => buffer.MoveRight());
        Edit(ConsoleKey.K, Ctrl, buffer => buffer.Replace(buffer.Position, buffer.Length, ""));
        Edit(ConsoleKey.U, Ctrl, buffer => buffer.Replace(0, buffer.Position, ""));
        Edit(ConsoleKey.W, Ctrl, buffer => buffer.DeleteWordBack());
        Edit(ConsoleKey.L, Ctrl, _ => _console.Clear(home: true));
        keys.Add<BackspaceCommand>(ConsoleKey.Backspace, Ctrl);
        keys.Add<EndOfInputCommand>(ConsoleKey.D, Ctrl);
        // A pasted line feed arrives as Ctrl-Enter.
        keys.Add<SubmitCommand>(ConsoleKey.Enter, Ctrl);

        void Edit(ConsoleKey key, ConsoleModifiers? modifiers, Action<LineBuffer> edit)
        {
            if (modifiers is { } pressed)
            {
                keys.Add(key, pressed, () => new EditCommand(edit));
            }
            else
            {
                keys.Add(key, () => new EditCommand(edit));
            }
        }

        // What a command asks for is not begun with the name of another.
        Completion Complete(string typed) => _prompt is null
            ? Completer.Complete(typed, recentKeys.Keys)
            : new Completion(typed.Length, []);

        void PreviousLine(LineBuffer buffer) => buffer.ReplaceAll(_history.Previous(buffer.Content));
        void NextLine(LineBuffer buffer) => buffer.ReplaceAll(_history.Next());
    }

    private static WordHighlighter VerbHighlighter()
    {
        var words = new WordHighlighter(StringComparer.OrdinalIgnoreCase);
        foreach (string verb in Completer.Verbs)
        {
            words.AddWord(verb, new Style(foreground: Color.Green));
        }

        return words;
    }

    /// <summary>A prompt that is asked for its text anew for every line.</summary>
    private sealed class LivePrompt(Func<string> text) : ILineEditorPrompt
    {
        public (Markup Markup, int Margin) GetPrompt(ILineEditorState state, int line) =>
            (new Markup(Markup.Escape(text()), new Style(foreground: Color.Yellow)), 1);
    }
}
