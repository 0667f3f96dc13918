package io.sluice.config;

import io.sluice.config.ConfigNode.Entry;
import io.sluice.config.ConfigNode.Mapping;
import io.sluice.config.ConfigNode.Scalar;
import io.sluice.config.ConfigNode.Sequence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Makes a tree of a YAML text: one document of mappings, lists and texts.
 *
 * <p>Built from the parser's events, without recursion, and it ends at the first event that is refused: neither deep nesting
 * nor aliases of aliases cost anything. What a text means (a number, a size, yes or no) is not YAML's to say: {@code 0660} is a mode,
 * and {@code 01:00.0} a device.
 */
final class YamlTree {
    /** A file, a list of volumes, a volume, a value: four would do. */
    static final int MAX_DEPTH = 16;

    private final String source;
    private final Problems problems = new Problems();
    private final Deque<Open> open = new ArrayDeque<>();
    private ConfigNode root;
    private Position last;

    /** A collection whose end has not come yet. */
    private static final class Open {
        final Position position;
        final boolean mapping;
        final List<ConfigNode> items = new ArrayList<>();
        final List<Entry> entries = new ArrayList<>();
        Scalar key;

        Open(Position position, boolean mapping) {
            this.position = position;
            this.mapping = mapping;
        }

        ConfigNode node() {
            return mapping ? new Mapping(position, List.copyOf(entries)) : new Sequence(position, List.copyOf(items));
        }
    }

    private YamlTree(String source) {
        this.source = source;
        this.last = Position.of(source);
    }

    /**
     * Parses a text.
     *
     * @param source what its user calls it
     * @return empty if there is nothing in it
     */
    static Optional<ConfigNode> parse(String text, String source) throws ConfigException {
        YamlTree tree = new YamlTree(source);
        tree.build(text);
        tree.problems.throwIfAny();
        return Optional.ofNullable(tree.root);
    }

    private void build(String text) {
        LoadSettings settings = LoadSettings.builder()
                .setLabel(source)
                .setCodePointLimit(ConfigFile.MAX_BYTES + 1)
                .build();
        try {
            Iterator<Event> events = new Parse(settings).parseString(text).iterator();
            Optional<Event> event = next(events);
            // After a problem, what follows is not understood any more.
            while (event.isPresent() && problems.isEmpty()) {
                take(event.get());
                event = next(events);
            }
        } catch (MarkedYamlEngineException e) {
            Position at = e.getProblemMark().map(this::position).orElse(Position.of(source));
            problems.add(at, "", "it is no YAML: " + sentence(e));
        } catch (ReaderException e) {
            problems.add(
                    positionOf(text, e.getPosition()),
                    "",
                    String.format("character U+%04X may not stand in YAML; remove it", e.getCodePoint()));
        } catch (YamlEngineException e) {
            problems.add(last, "", "after this it is no YAML: " + e.getMessage());
        }
    }

    /** What comes next. Numbers in escapes that are too large (eight hexadecimal digits) are more than the parser is prepared for. */
    private static Optional<Event> next(Iterator<Event> events) {
        try {
            return events.hasNext() ? Optional.of(events.next()) : Optional.empty();
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new YamlEngineException("a value cannot be read", e);
        }
    }

    /** The parser's words, which may have the culprit in them. */
    private static String sentence(MarkedYamlEngineException e) {
        String context = e.getContext() == null ? "" : e.getContext() + ", ";
        String text = context + (e.getProblem() == null ? "it ends too early" : e.getProblem());
        return text.replaceAll("\\p{Cntrl}", "?");
    }

    private void take(Event event) {
        Position at = event.getStartMark().map(this::position).orElse(Position.of(source));
        last = at;
        if (event instanceof NodeEvent node && !isPlainYaml(node, at)) {
            return;
        }
        switch (event) {
            case ScalarEvent scalar ->
                add(new Scalar(at, scalar.getValue(), scalar.isPlain() && isNothing(scalar.getValue())));
            case CollectionStartEvent start -> {
                if (open.size() >= MAX_DEPTH) {
                    problems.add(at, "", "it is nested too deeply: more than " + MAX_DEPTH + " levels");
                } else if (mayBegin(at)) {
                    open.push(new Open(at, start instanceof MappingStartEvent));
                }
            }
            case CollectionEndEvent end -> add(open.pop().node());
            case DocumentStartEvent start
            when root != null -> problems.add(at, "", "a second document begins; a configuration is one");
            default -> {
                // Ends, and the beginnings of the one document.
            }
        }
    }

    private static boolean isNothing(String plain) {
        return plain.isEmpty() || plain.equals("~") || plain.equals("null");
    }

    /** Refuses what only YAML's experts know, and what makes small files large. */
    private boolean isPlainYaml(NodeEvent event, Position at) {
        if (event instanceof AliasEvent) {
            problems.add(at, "", "an alias (*) is not taken here; write the value out");
        } else if (event.getAnchor().isPresent()) {
            problems.add(at, "", "an anchor (&) is not taken here; write each value out");
        } else if (tag(event).isPresent()) {
            problems.add(at, "", "a tag (!) is not taken here; write the value alone");
        }
        return problems.isEmpty();
    }

    private static Optional<String> tag(NodeEvent event) {
        return switch (event) {
            case ScalarEvent scalar -> scalar.getTag();
            case CollectionStartEvent start -> start.getTag();
            default -> Optional.empty();
        };
    }

    /** Whether a collection may begin: not where a key is due. */
    private boolean mayBegin(Position at) {
        Open parent = open.peek();
        if (parent != null && parent.mapping && parent.key == null) {
            problems.add(at, "", "a key is a word, not a list or a group");
            return false;
        }
        return true;
    }

    private void add(ConfigNode node) {
        Open parent = open.peek();
        if (parent == null) {
            root = node;
        } else if (!parent.mapping) {
            parent.items.add(node);
        } else if (parent.key == null && node instanceof Scalar key) {
            parent.key = key;
        } else {
            parent.entries.add(new Entry(parent.key, node));
            parent.key = null;
        }
    }

    private Position position(Mark mark) {
        return new Position(source, mark.getLine() + 1, mark.getColumn() + 1);
    }

    private Position positionOf(String text, int codePoints) {
        int[] before = text.codePoints().limit(codePoints).toArray();
        int line = 1;
        int column = 1;
        for (int c : before) {
            column = c == '\n' ? 1 : column + 1;
            line += c == '\n' ? 1 : 0;
        }
        return new Position(source, line, column);
    }
}
