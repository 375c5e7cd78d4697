using RadLine;

namespace Kv.Cli.Interactive;

/// <summary>Any edit of the line, bound to a key.</summary>
internal sealed class EditCommand(Action<LineBuffer> edit) : LineEditorCommand
{
    public override void Execute(LineEditorContext context) => edit(context.Buffer);
}

/// <summary>
/// Ctrl-D: leaves on an empty line, deletes the character under the cursor on any other, as in a shell.
/// </summary>
internal sealed class EndOfInputCommand : LineEditorCommand
{
    public override void Execute(LineEditorContext context)
    {
        if (context.Buffer.Length == 0)
        {
            context.Submit(SubmitAction.Cancel);
        }
        else
        {
            context.Buffer.Clear(context.Buffer.Position, 1);
        }
    }
}

/// <summary>
/// Tab: completes the word before the cursor; pressed again it goes through the other candidates. The
/// editor's own command compares with the word it has just inserted and so loses what was typed.
/// </summary>
/// <param name="complete">Finds what fits behind what was typed.</param>
/// <param name="step">1 for the next candidate, -1 for the one before.</param>
internal sealed class CompleteCommand(Func<string, Completion> complete, int step) : LineEditorCommand
{
    private const string RoundState = "completion";

    public override void Execute(LineEditorContext context)
    {
        LineBuffer buffer = context.Buffer;
        Round? round = context.GetState<Round?>(RoundState, () => null);
        int index;
        if (round is not null && round.Content == buffer.Content && round.Position == buffer.Position)
        {
            int count = round.Completion.Candidates.Count;
            index = (round.Index + step + count) % count;
        }
        else
        {
            string typed = buffer.Content[..buffer.Position];
            round = new Round(complete(typed), 0, "", 0);
            index = step > 0 ? 0 : round.Completion.Candidates.Count - 1;
        }

        IReadOnlyList<string> candidates = round.Completion.Candidates;
        if (candidates.Count == 0)
        {
            return;
        }

        if (candidates.Count == 1)
        {
            // The only candidate is surely meant: the next Tab is about the next word.
            buffer.Replace(round.Completion.Start, buffer.Position, $"{candidates[0]} ");
            return;
        }

        buffer.Replace(round.Completion.Start, buffer.Position, candidates[index]);
        context.SetState<Round?>(
            RoundState, round with { Index = index, Content = buffer.Content, Position = buffer.Position });
    }

    /// <summary>The candidates being gone through, and the line as the last press left it.</summary>
    private sealed record Round(Completion Completion, int Index, string Content, int Position);
}

internal static class LineBufferEdits
{
    /// <summary>Puts a text in place of a part of the line; the cursor stands behind it.</summary>
    public static void Replace(this LineBuffer buffer, int start, int end, string text)
    {
        buffer.Clear(start, end - start);
        buffer.Move(start);
        buffer.Insert(text);
        buffer.Move(start + text.Length);
    }

    public static void ReplaceAll(this LineBuffer buffer, string? text)
    {
        if (text is not null)
        {
            buffer.Replace(0, buffer.Length, text);
        }
    }

    /// <summary>Deletes back over spaces and the word before them.</summary>
    public static void DeleteWordBack(this LineBuffer buffer)
    {
        int start = buffer.Position;
        while (start > 0 && char.IsWhiteSpace(buffer.Content[start - 1]))
        {
            start--;
        }

        while (start > 0 && !char.IsWhiteSpace(buffer.Content[start - 1]))
        {
            start--;
        }

        buffer.Replace(start, buffer.Position, "");
    }
}
